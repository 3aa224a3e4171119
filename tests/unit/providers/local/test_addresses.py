import ipaddress
import socket

import pytest

from deployer.errors import QuotaError
from deployer.providers.local.addresses import pick_address


def test_an_address_is_on_loopback_and_none_that_people_use() -> None:
    address = ipaddress.ip_address(pick_address([8080], ()))
    assert address.is_loopback
    assert address not in ipaddress.ip_network("127.0.0.0/24")


def test_the_first_choice_is_kept_when_it_is_free() -> None:
    first = pick_address([8080], ())
    assert pick_address([8080], (), first=first) == first
    assert pick_address([8080], {first}, first=first) != first


def test_an_address_with_a_busy_port_is_not_picked() -> None:
    first = pick_address([8080], ())
    with socket.create_server((first, 8080)):
        assert pick_address([8080], (), first=first) != first


def test_a_port_that_is_taken_everywhere_is_a_clear_error() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - the case at hand
        port = server.getsockname()[1]
        with pytest.raises(QuotaError, match=str(port)):
            pick_address([port], ())
