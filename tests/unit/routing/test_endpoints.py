from collections.abc import Sequence

import pytest

from deployer.errors import StateError
from deployer.routing.endpoints import Resolver
from deployer.routing.static import parse_backend


class Names:
    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    def look_up(self, _host: str, _port: int) -> Sequence[str]:
        if not self.addresses:
            raise OSError("no such host")
        return self.addresses


def resolve(resolver: Resolver, url: str = "https://iris.example") -> str:
    (endpoint,) = resolver.make_endpoints([parse_backend(f"a={url}")])
    return endpoint.address


def test_a_url_becomes_an_address_and_what_the_host_is_called() -> None:
    backend = parse_backend("a=https://iris.example:8443")
    (endpoint,) = Resolver(Names("10.0.0.1").look_up).make_endpoints([backend])
    assert (endpoint.address, endpoint.port, endpoint.tls) == ("10.0.0.1", 8443, True)
    assert (endpoint.authority, endpoint.host) == ("iris.example:8443", "iris.example")
    assert endpoint.key == "a/0"


def test_an_address_is_kept_while_it_is_one_of_the_hosts() -> None:
    names = Names("10.0.0.1", "10.0.0.2")
    resolver = Resolver(names.look_up)
    assert resolve(resolver) == "10.0.0.1"
    names.addresses = ("10.0.0.2", "10.0.0.1")
    assert resolve(resolver) == "10.0.0.1"
    names.addresses = ("10.0.0.3",)
    assert resolve(resolver) == "10.0.0.3"


def test_a_resolver_that_fails_takes_no_address_away() -> None:
    names = Names()
    resolver = Resolver(names.look_up)
    assert resolve(resolver) == ""
    names.addresses = ("10.0.0.1",)
    assert resolve(resolver) == "10.0.0.1"
    names.addresses = ()
    assert resolve(resolver) == "10.0.0.1"


@pytest.mark.parametrize("host", ["a b", "a'b", "a;b", "a%b"])
def test_a_host_that_would_be_more_than_a_word_in_a_file_is_refused(host: str) -> None:
    backend = parse_backend("a=http://x").model_copy(update={"url": f"http://{host}:80"})
    with pytest.raises(StateError):
        Resolver(Names("10.0.0.1").look_up).make_endpoints([backend])
