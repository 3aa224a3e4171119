from email.message import Message
from email.utils import format_datetime

import pytest

from deployer.providers.local.clock import ManualClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.blob.signature import SharedKey
from deployer.sandbox.loopback import Request


def signed(shared_key: SharedKey, target: str, date: str) -> Message:
    headers = Message()
    headers["x-ms-date"] = date
    signature = shared_key.sign(Request.of("GET", target, headers))
    headers["Authorization"] = f"SharedKey {DEVELOPMENT_ACCOUNT}:{signature}"
    return headers


def test_a_signature_lasts_fifteen_minutes() -> None:
    clock = ManualClock()
    shared_key = SharedKey(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY, clock)
    headers = signed(shared_key, "/a/b", format_datetime(clock.now(), usegmt=True))
    request = Request.of("GET", "/a/b", headers)
    clock.advance(14 * 60)
    shared_key.check(request)
    clock.advance(2 * 60)
    with pytest.raises(RefusedError, match="15 minutes") as error:
        shared_key.check(request)
    assert error.value.status == 403


@pytest.mark.parametrize("target", ["/a/c", "/a/b?comp=list"])
def test_a_signature_is_of_one_request(target: str) -> None:
    clock = ManualClock()
    shared_key = SharedKey(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY, clock)
    headers = signed(shared_key, "/a/b", format_datetime(clock.now(), usegmt=True))
    with pytest.raises(RefusedError, match="does not match"):
        shared_key.check(Request.of("GET", target, headers))


def test_a_date_that_cannot_be_read_is_refused() -> None:
    shared_key = SharedKey(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY, ManualClock())
    request = Request.of("GET", "/a/b", signed(shared_key, "/a/b", "soon"))
    with pytest.raises(RefusedError, match="cannot be read"):
        shared_key.check(request)
