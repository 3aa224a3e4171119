import threading
from datetime import timedelta

import pytest

from deployer.errors import TransientError
from deployer.providers.connection import REFRESH_SECONDS, Connection, Token, TokenCache
from deployer.providers.local.clock import ManualClock


class Issuer:
    """Makes numbered tokens that live for ten minutes, unless it is down."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.made, self.down = clock, 0, False

    def __call__(self) -> Token:
        if self.down:
            raise TransientError("no answer", operation="token", resource="issuer")
        self.made += 1
        return Token(f"t{self.made}", self.clock.now() + timedelta(minutes=10))


def test_a_token_is_used_until_shortly_before_it_expires() -> None:
    clock = ManualClock()
    cached = TokenCache(Issuer(clock), clock)
    assert [cached(), cached()] == ["t1", "t1"]
    clock.advance(600 - REFRESH_SECONDS - 1)
    assert cached() == "t1"
    clock.advance(1)
    assert cached() == "t2"


def test_a_token_is_used_on_while_no_other_can_be_had_but_never_after_its_end() -> None:
    clock = ManualClock()
    issuer = Issuer(clock)
    cached = TokenCache(issuer, clock)
    cached()
    issuer.down = True
    clock.advance(599)
    assert cached() == "t1"
    clock.advance(1)
    with pytest.raises(TransientError):
        cached()
    issuer.down = False
    assert cached() == "t2"


def test_a_token_that_nobody_gave_an_end_is_kept() -> None:
    clock = ManualClock()
    tokens = iter([Token("only")])
    cached = TokenCache(lambda: next(tokens), clock)
    cached()
    clock.advance(10**6)
    assert cached() == "only"


def test_many_threads_renew_a_token_once() -> None:
    clock = ManualClock()
    issuer = Issuer(clock)
    cached = TokenCache(issuer, clock)
    threads = [threading.Thread(target=cached) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert issuer.made == 1


def test_no_token_is_ever_shown() -> None:
    connection = Connection("https://127.0.0.1", None, lambda: Token("t0psecret"))
    assert "t0psecret" not in repr(connection) + repr(Token("t0psecret"))
