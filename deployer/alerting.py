"""The channels that a spec names, opened on demand; secrets are read when something is sent."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from deployer.errors import SetupError
from deployer.ports import Clock, Notifier, Probe
from deployer.spec.alerts import MailSpec, SecretSpec, WebhookSpec
from deployer.spec.model import Spec

__all__ = ["open_notifiers"]


def open_notifiers(spec: Spec, *, probe: Probe, clock: Clock) -> tuple[Notifier, ...]:
    """Return the spec's channels, in its order; nothing is read or sent yet.

    A secret that is missing is a `SetupError` of the channel's `Notifier.send`.
    """
    from deployer.providers.local.outbox import Outbox

    files = [Outbox(it.name, spec.locate(it.path)) for it in spec.alerts.files]
    return (
        *(_open_webhook(it, spec, probe, clock) for it in spec.alerts.webhooks),
        *(_open_mail(it, spec) for it in spec.alerts.mails),
        *files,
    )


def _open_webhook(it: WebhookSpec, spec: Spec, probe: Probe, clock: Clock) -> Notifier:
    from deployer.providers.http.webhook import Webhook

    return Webhook(
        it.name,
        probe,
        clock,
        url=_reader(it.url, spec, it.name),
        secret=_reader(it.secret, spec, it.name) if it.secret else None,
        form=it.format,
    )


def _open_mail(it: MailSpec, spec: Spec) -> Notifier:
    from deployer.providers.smtp.mail import Mail

    return Mail(
        it.name,
        server=it.server,
        sender=it.sender,
        to=it.to,
        user=it.user,
        password=_reader(it.password, spec, it.name) if it.password else None,
    )


def _reader(secret: SecretSpec | str, spec: Spec, channel: str) -> Callable[[], str]:
    if isinstance(secret, str):
        return partial(str, secret)
    if secret.env is not None:
        return partial(_read_variable, secret.env, channel)
    return partial(_read_file, spec.locate(secret.file or ""), channel)


def _read_variable(name: str, channel: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SetupError(f"alerts {channel}: the environment has no {name}")
    return value


def _read_file(file: Path, channel: str) -> str:
    try:
        value = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SetupError(f"alerts {channel}: {file} cannot be read: {why}") from None
    if not value:
        raise SetupError(f"alerts {channel}: {file} is empty")
    return value
