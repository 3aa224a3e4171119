from deployer.routing.messages import read_request_head
from deployer.routing.request import Request
from deployer.routing.retries import REPLAY_LIMIT


def make(*, repeatable: bool, chunked: bool = False) -> Request:
    fields = [(b"Transfer-Encoding", b"chunked")] if chunked else [(b"Content-Length", b"4")]
    head = read_request_head(b"POST", b"/", "1.1", fields, keep_alive=True)
    return Request(head, b"id", repeatable=repeatable)


def test_what_was_not_sent_may_always_be_sent() -> None:
    request = make(repeatable=False)
    request.add(b"x" * (REPLAY_LIMIT * 2))
    assert request.may_be_sent


def test_what_was_sent_once_may_not_be_sent_again_unless_it_is_repeatable() -> None:
    for repeatable in (True, False):
        request = make(repeatable=repeatable)
        request.add(b"body")
        assert request.take() == b"body"
        assert request.may_be_sent is repeatable


def test_a_repeated_body_includes_what_came_after_the_first_attempt() -> None:
    request = make(repeatable=True)
    request.add(b"bo")
    request.take()
    request.add(b"dy")
    request.whole = True
    assert request.take() == b"body"


def test_a_body_too_large_to_keep_is_not_repeated() -> None:
    early = make(repeatable=True)
    early.add(b"x" * (REPLAY_LIMIT + 1))
    early.take()
    assert not early.may_be_sent
    late = make(repeatable=True)
    late.add(b"x")
    late.take()
    late.add(b"x" * REPLAY_LIMIT)
    assert not late.may_be_sent


def test_a_chunked_body_is_sent_in_chunks() -> None:
    request = make(repeatable=True, chunked=True)
    assert request.take() == b""
    request.add(b"body")
    request.whole = True
    assert request.take() == b"4\r\nbody\r\n0\r\n\r\n"
