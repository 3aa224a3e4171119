import socket
from pathlib import Path

import pytest

from deployer.errors import SetupError, SourceError
from deployer.routing.admin_address import AdminAddress, bind_admin, parse_admin_address


@pytest.mark.parametrize(
    ("text", "host"),
    [("127.0.0.1:81", "127.0.0.1"), ("127.9.9.9:81", "127.9.9.9"), ("localhost:81", "127.0.0.1")],
)
def test_a_loopback_port_is_taken(text: str, host: str) -> None:
    assert parse_admin_address(text) == AdminAddress(host=host, port=81)


def test_ipv6_has_a_loopback_too() -> None:
    assert parse_admin_address("[::1]:81") == AdminAddress(host="::1", port=81)


@pytest.mark.parametrize("text", ["0.0.0.0:81", "10.0.0.1:81", "[::]:81", "router.example:81"])
def test_other_machines_are_never_listened_to(text: str) -> None:
    with pytest.raises(SourceError, match="is not loopback"):
        parse_admin_address(text)


@pytest.mark.parametrize("text", ["/run/router.sock", "router.sock", "./a:b/c.sock"])
def test_anything_else_is_a_path(text: str) -> None:
    assert parse_admin_address(text).path == Path(text)


def test_the_socket_of_a_router_that_is_gone_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    bind_admin(AdminAddress(path)).close()
    assert path.is_socket()
    with bind_admin(AdminAddress(path)) as bound:
        assert bound.getsockname() == str(path)


def test_the_socket_of_a_router_that_lives_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind_admin(AdminAddress(path)) as living:
        living.listen()
        with pytest.raises(SetupError, match="Address already in use"):
            bind_admin(AdminAddress(path))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    with pytest.raises(SetupError, match="can't be taken at"):
        bind_admin(AdminAddress(tmp_path / "s"))
    assert (tmp_path / "s").read_text() == "mine"
