import pytest

from deployer.errors import StateError
from deployer.routing.address import parse_address


def test_a_url_becomes_an_address() -> None:
    address = parse_address("http://[::1]:8080/v1/iris/")
    assert (address.host, address.port) == ("::1", 8080)
    assert (address.authority, address.prefix) == (b"[::1]:8080", b"/v1/iris")
    assert address.tls is None


def test_https_verifies_by_default() -> None:
    address = parse_address("https://iris.example")
    assert address.port == 443
    assert address.tls is not None
    assert address.tls.check_hostname


@pytest.mark.parametrize(
    "url",
    ["", "iris", "ftp://x", "http://", "http://a:99999", "http://a:b", "http://u:p@a", "http://é"],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(StateError, match="is not a backend's URL"):
        parse_address(url)
