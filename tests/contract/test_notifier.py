"""One suite for every channel: a webhook in both forms, mail through a real server, a file."""

import asyncio
import contextlib
import email
import email.policy
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from standardwebhooks import Webhook as Judge
from standardwebhooks import WebhookVerificationError

from deployer.errors import (
    AccessDeniedError,
    NotFoundError,
    ProviderError,
    SetupError,
    TransientError,
)
from deployer.ports import Notice, Notifier
from deployer.providers.http.probe import HttpProbe
from deployer.providers.http.webhook import Webhook
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.outbox import Outbox
from deployer.providers.smtp.mail import Mail
from tests.receiver import Receiver

SECRET = "whsec_c2VjcmV0LW9mLXR3ZW50eS1ieXRlcw=="
PASSWORD = "pw-for-tests"
NOTICE = Notice(
    id="4f2a" * 6,
    kind="budget-exceeded",
    deployment="iris",
    target="",
    title="iris has spent its budget <of> 100.00 USD für 2026-11",
    text="101.00 USD so far.\nWhat to do: & so on.",
    at=datetime(2026, 11, 23, 12, tzinfo=UTC),
    facts={"limit": "100.000000"},
)


class Postman:
    """A mail server in a thread; it takes one login, and refuses what it is told to."""

    def __init__(self, scheme: str = "smtp", host: str = "127.0.0.1", tls: Any = None) -> None:
        self.mails: list[Envelope] = []
        self.answer = "250 taken"
        self.url = f"{scheme}://{host}"
        self._host, self._tls = host, tls
        self._whole = tls if scheme == "smtps" else None
        self._loop = asyncio.new_event_loop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.mails.append(envelope)
        return self.answer

    def run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(self._serve, self._host, 0, ssl=self._whole)
        )
        self.url += f":{server.sockets[0].getsockname()[1]}"
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self) -> SMTP:
        return SMTP(
            self,
            hostname="mail.example",
            authenticator=_authenticate,
            auth_require_tls=False,
            tls_context=None if self._whole else self._tls,
            loop=self._loop,
        )


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@contextlib.contextmanager
def running(it: Postman) -> Iterator[Postman]:
    ready = threading.Event()
    thread = threading.Thread(target=it.run, args=(ready,))
    thread.start()
    assert ready.wait(10)
    yield it
    it.stop()
    thread.join()


@pytest.fixture
def postman() -> Iterator[Postman]:
    with running(Postman()) as it:
        yield it


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secured(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def webhook(receiver: Receiver) -> Callable[..., Webhook]:
    clock = SystemClock()

    def make(**changes: Any) -> Webhook:
        options = {"url": lambda: receiver.url, "secret": lambda: SECRET} | changes
        return Webhook("ops", HttpProbe(clock), clock, **options)

    return make


@pytest.fixture
def mail(postman: Postman) -> Callable[..., Mail]:
    def make(**changes: Any) -> Mail:
        options = {"sender": "deployer@example.com", "to": ("ops@example.com", "ml@example.com")}
        return Mail("ops", **({"server": postman.url} | options | changes))

    return make


@pytest.fixture
def taken(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[Notifier, Callable[[], list[str]]]:
    """A channel, and how to read what the other side has of it."""
    if request.param == "mail":
        postman = request.getfixturevalue("postman")
        return request.getfixturevalue("mail")(), lambda: [_text(it) for it in postman.mails]
    if request.param == "file":
        file = tmp_path / "notices.jsonl"
        return Outbox("ops", file), lambda: file.read_text().splitlines()
    receiver = request.getfixturevalue("receiver")
    made = request.getfixturevalue("webhook")(form=request.param)
    return made, lambda: [it.body.decode() for it in receiver.posts]


def _text(envelope: Envelope) -> str:
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)  # type: ignore[arg-type]
    return f"{message['Message-ID']}\n{message['Subject']}\n{message.get_content()}"


@pytest.mark.parametrize("taken", ["json", "slack", "mail", "file"], indirect=True)
def test_a_notice_that_is_sent_has_been_taken_whole(
    taken: tuple[Notifier, Callable[[], list[str]]],
) -> None:
    notifier, read = taken
    assert notifier.channel == "ops"
    notifier.send(NOTICE)
    notifier.send(NOTICE)
    found = read()
    assert len(found) == 2
    for text in found:
        assert "für 2026-11" in text
        assert "101.00 USD so far." in text


def test_a_webhook_is_signed_so_that_others_can_check_it(
    webhook: Callable[..., Webhook], receiver: Receiver
) -> None:
    webhook().send(NOTICE)
    (post,) = receiver.posts
    assert post.path == "/services/T0/x-secret-path?k=v"
    document = Judge(SECRET).verify(post.body, dict(post.headers))
    assert (document["schema"], document["id"]) == ("deployer/notice/v1", NOTICE.id)
    assert post.headers["webhook-id"] == NOTICE.id
    with pytest.raises(WebhookVerificationError):
        Judge(SECRET).verify(post.body.replace(b"101", b"001"), dict(post.headers))
    with pytest.raises(WebhookVerificationError):
        Judge("b3RoZXI=").verify(post.body, dict(post.headers))


def test_slack_gets_its_own_form_with_its_characters_escaped(
    webhook: Callable[..., Webhook], receiver: Receiver
) -> None:
    webhook(form="slack", secret=None).send(NOTICE)
    (post,) = receiver.posts
    document = json.loads(post.body)
    assert document["text"].startswith("iris has spent its budget &lt;of&gt;")
    assert "&amp; so on" in document["blocks"][0]["text"]["text"]
    assert "webhook-signature" not in post.headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ProviderError),
        (302, ProviderError),
        (401, AccessDeniedError),
        (403, AccessDeniedError),
        (404, NotFoundError),
        (410, NotFoundError),
        (429, TransientError),
        (500, TransientError),
    ],
)
def test_what_a_webhook_answers_is_an_error_of_ours_without_its_address(
    webhook: Callable[..., Webhook], receiver: Receiver, status: int, kind: type[ProviderError]
) -> None:
    receiver.status, receiver.headers = status, {"retry-after": "7", "location": "/"}
    with pytest.raises(kind) as caught:
        webhook().send(NOTICE)
    assert type(caught.value) is kind
    assert f"webhook ops: it answered {status}" in caught.value.message
    assert "secret" not in caught.value.message
    if isinstance(caught.value, TransientError):
        assert caught.value.retry_after_seconds == 7


def test_a_webhook_that_is_away_is_transient_and_its_address_is_not_told(
    webhook: Callable[..., Webhook],
) -> None:
    with pytest.raises(TransientError, match="webhook ops: no answer: connect failed") as caught:
        webhook(url=lambda: "http://127.0.0.1:9/x-secret-path").send(NOTICE)
    assert "secret" not in caught.value.message
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("url", ["http://hooks.example.com/x", "ftp://127.0.0.1/", "nonsense"])
def test_a_notice_is_not_sent_in_the_clear(webhook: Callable[..., Webhook], url: str) -> None:
    with pytest.raises(SetupError, match="its address is not HTTPS"):
        webhook(url=lambda: url).send(NOTICE)


def test_a_secret_of_the_wrong_form_is_told_without_it(webhook: Callable[..., Webhook]) -> None:
    with pytest.raises(SetupError, match="is no base64") as caught:
        webhook(secret=lambda: "whsec_!!").send(NOTICE)
    assert "!!" not in caught.value.message


def test_a_mail_goes_to_all_and_carries_its_events_id(
    mail: Callable[..., Mail], postman: Postman
) -> None:
    mail(user="ops", password=lambda: PASSWORD).send(NOTICE)
    (envelope,) = postman.mails
    assert envelope.rcpt_tos == ["ops@example.com", "ml@example.com"]
    assert f"<{NOTICE.id}.ops@deployer.invalid>" in _text(envelope)


def test_a_login_that_is_refused_is_told_without_the_password(mail: Callable[..., Mail]) -> None:
    with pytest.raises(AccessDeniedError, match="mail ops: the server answered 535") as caught:
        mail(user="ops", password=lambda: "wr0ng").send(NOTICE)
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind"), [("451 later", TransientError), ("554 never", ProviderError)]
)
def test_a_mail_server_says_whether_to_try_again(
    mail: Callable[..., Mail], postman: Postman, answer: str, kind: type[ProviderError]
) -> None:
    postman.answer = answer
    with pytest.raises(kind, match=f"the server answered {answer[:3]}") as caught:
        mail().send(NOTICE)
    assert type(caught.value) is kind


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_goes_over_tls_to_a_server_that_proves_who_it_is(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    with running(Postman(scheme, tls=secured(authority))) as postman:
        mail = Mail(
            "ops",
            server=postman.url,
            sender="a@b.example",
            to=("c@d.example",),
            user="ops",
            password=lambda: PASSWORD,
        )
        with pytest.raises(SetupError, match="cannot send a notice by mail ops"):
            mail.send(NOTICE)
        assert postman.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        mail.send(NOTICE)
        assert len(postman.mails) == 1


def test_a_password_is_not_sent_in_the_clear() -> None:
    """127.0.0.2 is a host like any other to us."""
    asked: list[str] = []

    def tell() -> str:
        asked.append("asked")
        return PASSWORD

    with running(Postman(host="127.0.0.2")) as postman:
        mail = Mail("ops", server=postman.url, sender="a", to=("b",), user="u", password=tell)
        with pytest.raises(SetupError, match="the server offers no TLS"):
            mail.send(NOTICE)
    assert asked == []


def test_a_mail_server_that_is_away_is_transient(mail: Callable[..., Mail]) -> None:
    with pytest.raises(TransientError, match="mail ops: Connection refused"):
        mail(server="smtp://127.0.0.1:9").send(NOTICE)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"cannot be kept in .*gone/x: No such file"):
        Outbox("ops", tmp_path / "gone" / "x").send(NOTICE)
