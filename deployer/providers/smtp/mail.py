"""Notices by SMTP (RFC 5321), one message each."""

import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urlsplit

from deployer.errors import SetupError
from deployer.ports import Notice
from deployer.providers.smtp.errors import translate_errors

__all__ = ["Mail"]

_TIMEOUT_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORTS = {"smtp": 25, "smtps": 465}


class Mail:
    """See `Notifier`. A password only goes over TLS, but on loopback."""

    def __init__(
        self,
        channel: str,
        *,
        server: str,
        sender: str,
        to: Sequence[str],
        user: str | None = None,
        password: Callable[[], str] | None = None,
    ) -> None:
        """Send through ``smtp://HOST:PORT`` (STARTTLS where it is offered) or ``smtps://…``."""
        self._channel = channel
        self._server = urlsplit(server)
        self._sender = sender
        self._to = tuple(to)
        self._user = user
        self._password = password

    @property
    def channel(self) -> str:
        """See `Notifier.channel`."""
        return self._channel

    def send(self, notice: Notice) -> None:
        """See `Notifier.send`. It is sent when the server takes it for one of the addresses."""
        message = self._write(notice)
        with translate_errors(self._channel), self._open() as server:
            server.send_message(message)

    def _write(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = " ".join(notice.title.split())
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Date"] = format_datetime(notice.at)
        message["Message-ID"] = f"<{notice.id}.{self._channel}@deployer.invalid>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
        message.set_content(f"{notice.text}\n\n-- \n{notice.kind} {notice.id}\n")
        return message

    @contextmanager
    def _open(self) -> Iterator[smtplib.SMTP]:
        host = self._server.hostname or ""
        port = self._server.port or _PORTS[self._server.scheme]
        trust = ssl.create_default_context()
        if self._server.scheme == "smtps":
            opened: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=_TIMEOUT_SECONDS, context=trust
            )
        else:
            opened = smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
        with opened as server:
            if self._server.scheme == "smtp":
                self._secure(server, trust)
            if self._user is not None and self._password is not None:
                server.login(self._user, self._password())
            yield server

    def _secure(self, server: smtplib.SMTP, trust: ssl.SSLContext) -> None:
        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls"):
            server.starttls(context=trust)
        elif self._user is not None and self._server.hostname not in _LOOPBACK:
            raise SetupError(
                f"mail {self._channel}: the server offers no TLS, and a password would be read",
                hint="Use smtps://, or a server that offers STARTTLS.",
            )
