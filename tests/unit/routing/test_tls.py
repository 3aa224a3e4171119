"""TLS on both sides of the router: real handshakes with certificates made for the test."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from deployer.errors import SetupError
from deployer.routing.tls import BackendTls, BackendTrust, KeyPair, ListenerTls

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
NOW = datetime.now(UTC)  # noqa: TID251 - certificates are valid by the real clock


def issue(authority: trustme.CA, folder: Path, *names: str, days: int = 90) -> KeyPair:
    made = authority.issue_cert(*names, not_after=NOW + timedelta(days=days, hours=1))
    pair = KeyPair(folder / f"{names[0]}.pem", folder / f"{names[0]}.key")
    made.private_key_pem.write_to_path(str(pair.key))
    pair.certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    return pair


def trust(authority: trustme.CA, identity: KeyPair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


async def ask(rig: "Rig", context: ssl.SSLContext, name: str) -> tuple[bytes, dict[str, Any]]:
    """Return the answer, and the certificate that came with it."""
    port = int(rig.router.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name
    )
    certificate = writer.get_extra_info("peercert")
    writer.write(b"GET / HTTP/1.1\r\nHost: iris\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(-1), 10)
    writer.close()
    return answer, certificate


def test_a_client_gets_the_certificate_of_the_host_it_names(drive: Drive, tmp_path: Path) -> None:
    authority = trustme.CA()
    pairs = (issue(authority, tmp_path, "first.test"), issue(authority, tmp_path, "*.second.test"))

    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        rig.routes = rig.make_routes([backend.url])
        await rig.start(settle=False, tls=pairs)
        assert rig.router.url.startswith("https://")
        for name, expected in (("first.test", "first.test"), ("a.second.test", "*.second.test")):
            answer, certificate = await ask(rig, trust(authority), name)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert certificate["subjectAltName"] == (("DNS", expected),)
        assert b"X-Forwarded-Proto: https\r\n" in backend.heads[0]
        with pytest.raises(ssl.SSLCertVerificationError, match=r"first\.test|other\.test"):
            await ask(rig, trust(authority), "other.test")

    drive(story)


def test_only_clients_with_a_certificate_are_let_in(drive: Drive, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(issued))
    pair, identity = issue(authority, tmp_path, "a.test"), issue(authority, tmp_path, "me.test")

    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        rig.routes = rig.make_routes([backend.url])
        await rig.start(settle=False, tls=(pair,), client_authority=issued)
        answer, _ = await ask(rig, trust(authority, identity), "a.test")
        assert answer.startswith(b"HTTP/1.1 200 ")
        answer = b""
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            answer, _ = await ask(rig, trust(authority), "a.test")
        assert (answer, len(backend.heads)) == (b"", 1)

    drive(story)


def test_https_backends_are_reached_by_an_authority_and_an_identity_of_ones_own(
    drive: Drive, tmp_path: Path
) -> None:
    authority = trustme.CA()
    issued = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(issued))
    identity = issue(authority, tmp_path, "router.test")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(issued))
    server.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("127.0.0.1").configure_cert(server)

    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        listener = await asyncio.start_server(backend.serve, "127.0.0.1", 0, ssl=server)
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        await rig.start(url, backend_tls=BackendTls(issued, identity))
        assert (await rig.get()).startswith(b"HTTP/1.1 200 ")
        listener.close()

    drive(story)


def test_renewed_files_are_read_and_broken_ones_are_not_used(tmp_path: Path) -> None:
    authority = trustme.CA()
    pair = issue(authority, tmp_path, "a.test", days=3)
    trusted = BackendTrust(BackendTls(identity=pair))
    listener = ListenerTls([pair])
    for held in (listener, trusted):
        assert list(held.refresh()) == []
        assert list(held.warn(NOW)) == [f"{pair.certificate} expires in 3 days"]
        assert list(held.warn(NOW + timedelta(days=5))) == [f"{pair.certificate} expired 1 day ago"]
    issue(authority, tmp_path, "a.test", days=90)
    for held in (listener, trusted):
        assert list(held.refresh()) == ["read again"]
        assert list(held.warn(NOW)) == []
    pair.certificate.write_text("no certificate")
    os.utime(pair.certificate, ns=(1, 1))
    for held in (listener, trusted):
        (line,) = held.refresh()
        assert line.startswith("not read again: ")
        assert list(held.refresh()) == []


def test_files_that_are_of_no_use_are_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"a\.pem: No such file"):
        ListenerTls([KeyPair(tmp_path / "a.pem", tmp_path / "a.key")])
