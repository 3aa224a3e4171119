import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from deployer.errors import StateError
from deployer.providers.local.clock import SystemClock
from deployer.release.steering import (
    CorsRecord,
    GuardRecord,
    KeyRecord,
    RateRecord,
    TokensRecord,
)
from deployer.routing.door_counts import DoorCounts
from deployer.routing.guard import Admitted, Guard
from deployer.routing.messages import Document, RequestHead, read_request_head
from deployer.routing.token_bucket import Buckets

KEY = "k-8fK2mQ"
MOBILE = KeyRecord(name="mobile", sha256=sha256(KEY.encode()).hexdigest())
APP = "https://app.example"
CORS = CorsRecord(origins=(APP,))
PRIVATE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = {**json.loads(ECAlgorithm.to_jwk(PRIVATE.public_key())), "kid": "one", "use": "sig"}
TOKENS = TokensRecord(keys=[PUBLIC], algorithm="ES256", issuer="us", audience="iris")

Admit = Callable[..., Admitted | tuple[int, dict[str, Any], dict[str, str]]]


def head(method: str = "POST", path: str = "/v2/x", **fields: str) -> RequestHead:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return read_request_head(method.encode(), path.encode(), "1.1", lines, keep_alive=True)


def ask(guard: Guard, request: RequestHead, now: float = 0.0) -> Any:
    found = guard.admit(request, b"10.0.0.9", now)
    if isinstance(found, Admitted):
        return found
    status, document = found()
    assert isinstance(document, Document)
    return int(status), json.loads(document.body or b"{}"), dict(document.headers)


def make_guard(counts: DoorCounts | None = None, **record: Any) -> Guard:
    return Guard(GuardRecord(**record), Buckets(), counts or DoorCounts())


def sign(key: Any = PRIVATE, algorithm: str = "ES256", kid: str = "one", **claims: Any) -> str:
    now = SystemClock().now()
    body = {"sub": "ann", "iss": "us", "aud": "iris", "exp": now + timedelta(minutes=5), **claims}
    return jwt.encode(body, key, algorithm=algorithm, headers={"kid": kid})


def test_a_key_lets_in_and_goes_no_further() -> None:
    request = head(X_API_Key=KEY, Accept="*/*")
    assert ask(make_guard(keys=(MOBILE,)), request).caller == "key mobile"
    assert request.lines == b"Accept: */*\r\n"


@pytest.mark.parametrize(
    "fields", [{}, {"X_API_Key": "other"}, {"X_API_Key": ""}, {"Authorization": f"Bearer {KEY}"}]
)
def test_without_a_key_that_is_known_the_answer_is_401_and_says_what_is_needed(
    fields: dict[str, str],
) -> None:
    counts = DoorCounts()
    status, body, headers = ask(make_guard(counts, keys=(MOBILE,)), head(**fields))
    assert (status, headers["WWW-Authenticate"]) == (401, "ApiKey")
    assert "an API key in X-API-Key" in body["error"]
    assert KEY not in body["error"]
    assert sum(counts.list_turned().values()) == 1


def test_two_keys_at_once_are_none() -> None:
    fields = [(b"X-API-Key", KEY.encode()), (b"x-api-key", b"other")]
    request = read_request_head(b"GET", b"/", "1.1", fields, keep_alive=True)
    assert ask(make_guard(keys=(MOBILE,)), request)[0] == 401
    assert request.lines == b""


def test_a_key_for_some_paths_is_403_elsewhere() -> None:
    guard = make_guard(keys=(MOBILE.model_copy(update={"paths": ("/v2/models/iris",)}),))
    assert ask(guard, head(path="/v2/models/iris/infer?a=1", X_API_Key=KEY)).caller == "key mobile"
    for path in ("/v2/models/iris2", "/v2", "/v2/models/iris/../cat", "/v2/models/iris/%2e%2e/cat"):
        assert ask(guard, head(path=path, X_API_Key=KEY))[0] == 403


def test_public_paths_need_nothing_and_no_trick_makes_a_path_public() -> None:
    guard = make_guard(keys=(MOBILE,), public=("/v2/health/",))
    assert isinstance(ask(guard, head(path="/v2/health/ready")), Admitted)
    for path in ("/v2/healthy", "/v2/health/../x", "/v2/health/%2e%2e/x", "/v2/health//x"):
        assert ask(guard, head(path=path))[0] == 401


def test_each_key_has_its_rate_and_a_request_too_many_is_told_when_to_come_again() -> None:
    other = KeyRecord(
        name="batch",
        sha256=sha256(b"b").hexdigest(),
        rate=RateRecord(per_second=0.1, burst=1),
    )
    guard = make_guard(keys=(MOBILE, other), rate=RateRecord(per_second=1, burst=2))
    assert [isinstance(ask(guard, head(X_API_Key=KEY)), Admitted) for _ in range(3)] == [
        True,
        True,
        False,
    ]
    assert isinstance(ask(guard, head(X_API_Key="b")), Admitted)
    status, body, headers = ask(guard, head(X_API_Key="b"))
    assert (status, headers["Retry-After"], body["error"]) == (429, "10", "too many requests")
    assert isinstance(ask(guard, head(X_API_Key=KEY), now=1.0), Admitted)


def test_without_keys_the_rate_is_each_addresss() -> None:
    guard = make_guard(rate=RateRecord(per_second=1, burst=1))
    assert isinstance(guard.admit(head(), b"10.0.0.1", 0.0), Admitted)
    assert not isinstance(guard.admit(head(), b"10.0.0.1", 0.0), Admitted)
    assert isinstance(guard.admit(head(), b"10.0.0.2", 0.0), Admitted)


def test_a_token_lets_in_and_goes_no_further() -> None:
    guard = make_guard(tokens=TOKENS)
    request = head(Authorization=f"Bearer {sign()}")
    assert ask(guard, request).caller == "token us ann"
    assert request.lines == b""


def test_a_token_is_checked_again_after_a_moment() -> None:
    guard = make_guard(tokens=TOKENS.model_copy(update={"leeway_seconds": 0.0}))
    clock = SystemClock()
    token = sign(exp=clock.now() + timedelta(seconds=1))
    assert isinstance(ask(guard, head(Authorization=f"Bearer {token}")), Admitted)
    clock.sleep(1.1)
    assert isinstance(ask(guard, head(Authorization=f"Bearer {token}"), now=4.0), Admitted)
    assert ask(guard, head(Authorization=f"Bearer {token}"), now=5.0)[0] == 401


PAST = timedelta(minutes=-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sign(exp=SystemClock().now() + PAST),
        lambda: sign(nbf=SystemClock().now() - PAST),
        lambda: sign(iss="them"),
        lambda: sign(aud="cat"),
        lambda: sign(kid="two"),
        lambda: sign(ec.generate_private_key(ec.SECP256R1())),
        lambda: sign("s" * 32, "HS256"),
        lambda: sign(None, "none"),
        lambda: sign()[:-4],
        lambda: "a.b",
        lambda: "",
    ],
    ids=[
        "expired",
        "early",
        "issuer",
        "audience",
        "kid",
        "key",
        "hmac",
        "none",
        "cut",
        "no",
        "empty",
    ],
)
def test_any_other_token_is_401(make: Callable[[], str]) -> None:
    status, _, headers = ask(make_guard(tokens=TOKENS), head(Authorization=f"Bearer {make()}"))
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")


def test_public_keys_of_another_kind_than_the_algorithms_are_refused_at_once() -> None:
    with pytest.raises(StateError, match="RS256"):
        make_guard(tokens=TOKENS.model_copy(update={"algorithm": "RS256"}))


def test_a_page_of_an_origin_that_is_named_may_ask_and_read() -> None:
    guard = make_guard(keys=(MOBILE,), cors=CORS)
    preflight = head("OPTIONS", Origin=APP, Access_Control_Request_Method="POST")
    status, _, headers = ask(guard, preflight)
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, APP)
    assert headers["Access-Control-Allow-Methods"] == "GET, POST"
    admitted = ask(guard, head(Origin=APP, X_API_Key=KEY))
    assert admitted.fields["Access-Control-Allow-Origin"] == APP
    _, _, refused = ask(guard, head(Origin=APP))
    assert refused["Access-Control-Allow-Origin"] == APP


def test_a_page_of_any_other_origin_may_not() -> None:
    guard = make_guard(keys=(MOBILE,), cors=CORS)
    other = "https://app.example.evil"
    preflight = head("OPTIONS", Origin=other, Access_Control_Request_Method="POST")
    assert ask(guard, preflight)[0] == 403
    admitted = ask(guard, head(Origin=other, X_API_Key=KEY))
    assert admitted.fields == {"Vary": "Origin"}


def test_any_origin_is_named_by_a_star() -> None:
    admitted = ask(make_guard(cors=CorsRecord(origins=("*",))), head(Origin="null"))
    assert admitted.fields["Access-Control-Allow-Origin"] == "*"
