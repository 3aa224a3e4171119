"""Notices by webhook: signed JSON, or Slack's own form.

The signature is that of the Standard Webhooks specification 1.0 (standardwebhooks.com): HMAC-SHA256
over ``id.timestamp.body``, in the headers ``webhook-id``, ``webhook-timestamp`` and
``webhook-signature``, so that receivers can check it with a library of theirs. The timestamp is
within the signature: an old message can't be played again.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC
from http import HTTPStatus
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from deployer.errors import (
    AccessDeniedError,
    NotFoundError,
    ProviderError,
    SetupError,
    TransientError,
)
from deployer.ports import Clock, HttpRequest, HttpResponse, Notice, Probe
from deployer.providers.translation import build_error, seconds_of
from deployer.values import Json

__all__ = ["Form", "Webhook", "sign_message"]

Form = Literal["json", "slack"]

_TIMEOUT_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PREFIX = "whsec_"
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)


class Webhook:
    """See `Notifier`. Its address may be a secret, and so is named by its host alone."""

    def __init__(
        self,
        channel: str,
        probe: Probe,
        clock: Clock,
        *,
        url: Callable[[], str],
        secret: Callable[[], str] | None = None,
        form: Form = "json",
    ) -> None:
        self._channel = channel
        self._probe = probe
        self._clock = clock
        self._url = url
        self._secret = secret
        self._form = form

    @property
    def channel(self) -> str:
        """See `Notifier.channel`."""
        return self._channel

    def send(self, notice: Notice) -> None:
        """See `Notifier.send`."""
        url = self._check(urlsplit(self._url()))
        body = json.dumps(_FORMS[self._form](notice), ensure_ascii=False).encode()
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        request = HttpRequest("POST", path, self._headers(notice, body), body)
        base = f"{url.scheme}://{url.netloc}"
        try:
            answer = self._probe.send(base, request, timeout_seconds=_TIMEOUT_SECONDS)
        except TransientError as error:
            # its own words hold the whole address
            raise self._failed(TransientError, f"no answer: {error.operation} failed") from None
        self._demand_taken(answer)

    def _check(self, url: SplitResult) -> SplitResult:
        safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
        if not (safe and url.hostname):
            raise SetupError(
                f"webhook {self._channel}: its address is not HTTPS",
                hint="Notices and signatures are not sent in the clear.",
            )
        return url

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        moment = int(self._clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": notice.id,
            "webhook-timestamp": str(moment),
        }
        if self._secret is not None:
            key = _read_key(self._secret(), self._channel)
            headers["webhook-signature"] = sign_message(key, notice.id, moment, body)
        return headers

    def _demand_taken(self, answer: HttpResponse) -> None:
        status = answer.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return
        kind: type[ProviderError] = ProviderError
        if status in _DENIED:
            kind = AccessDeniedError
        elif status in _GONE:
            kind = NotFoundError
        elif status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            kind = TransientError
        after = seconds_of(answer.headers.get("retry-after"))
        raise self._failed(kind, f"it answered {status}", after)

    def _failed(
        self, kind: type[ProviderError], why: str, after: float | None = None
    ) -> ProviderError:
        error = build_error(
            kind,
            why,
            operation="send a notice to",
            resource=f"webhook {self._channel}",
            retry_after_seconds=after,
        )
        assert isinstance(error, ProviderError)  # noqa: S101 - `kind` is one
        return error


def sign_message(key: bytes, notice_id: str, timestamp: int, body: bytes) -> str:
    """Return ``v1,`` and the signature in base64."""
    signed = b".".join((notice_id.encode(), str(timestamp).encode(), body))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def _read_key(secret: str, channel: str) -> bytes:
    """Return the key of ``whsec_<base64>``; anything else is taken as it is."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise SetupError(
            f"webhook {channel}: its secret begins with {_PREFIX} and is no base64"
        ) from None


def _as_json(notice: Notice) -> Json:
    moment = notice.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "schema": "deployer/notice/v1",
        "id": notice.id,
        "kind": notice.kind,
        "deployment": notice.deployment,
        "target": notice.target or None,
        "title": notice.title,
        "text": notice.text,
        "at": moment,
        "facts": dict(notice.facts),
    }


def _as_slack(notice: Notice) -> Json:
    """Return a message with a fallback, and blocks of at most 3,000 characters (Slack's API)."""
    title, text = _escape(notice.title), _escape(notice.text)
    return {
        "text": title,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*\n{text}"[:3000]}}
        ],
    }


def _escape(text: str) -> str:
    """Return the text with Slack's three control characters taken literally."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_FORMS: dict[Form, Callable[[Notice], Json]] = {"json": _as_json, "slack": _as_slack}
