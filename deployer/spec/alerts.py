"""Whom a deployment tells of its costs, and where the secrets for that are."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deployer.spec.part import Part
from deployer.spec.scalars import HTTP, SMTP, VARIABLE, DnsLabel, Text

__all__ = ["Alerts", "FileSpec", "MailSpec", "SecretSpec", "WebhookSpec"]


class SecretSpec(Part):
    """Where a secret is: exactly one of env and file. The secret itself is never in a spec."""

    env: Annotated[str, Field(pattern=VARIABLE)] | None = Field(
        None, description="The environment variable that holds it."
    )
    file: Text | None = Field(None, description="The file that holds it; its last line end goes.")

    @model_validator(mode="after")
    def _check_one(self) -> "SecretSpec":
        if (self.env is None) is (self.file is None):
            raise ValueError("expected exactly one of env and file")
        return self


class WebhookSpec(Part):
    """One address that notices are posted to."""

    name: DnsLabel = Field(description="Your name for it: what it was told is kept under it.")
    url: Annotated[str, Field(pattern=HTTP)] | SecretSpec = Field(
        description="Where to; {env: …} or {file: …} where the address itself is a secret."
    )
    secret: SecretSpec | None = Field(None, description="What signs each message.")
    format: Literal["json", "slack"] = Field("json", description="Our own JSON, or Slack's.")


class MailSpec(Part):
    """A mail server, and whom it sends to."""

    name: DnsLabel = Field(description="Your name for it: what it was told is kept under it.")
    server: Annotated[str, Field(pattern=SMTP)] = Field(
        description="smtp://HOST:PORT, with TLS where it is offered, or smtps://HOST:PORT."
    )
    sender: Text = Field(description="The address it comes from.")
    to: tuple[Text, ...] = Field(min_length=1, description="The addresses it goes to.")
    user: Text | None = Field(None, description="Who logs in, if anybody does.")
    password: SecretSpec | None = Field(None, description="The password of user.")

    @model_validator(mode="after")
    def _check_login(self) -> "MailSpec":
        if (self.user is None) is not (self.password is None):
            raise ValueError("user and password go together")
        return self


class FileSpec(Part):
    """A file that notices are appended to, one JSON line each."""

    name: DnsLabel = Field(description="Your name for it: what it was told is kept under it.")
    path: Text = Field(description="The file, relative to the spec's folder.")


class Alerts(Part):
    """By which channels `deployer report alerts --send` tells people."""

    webhooks: tuple[WebhookSpec, ...] = Field((), description="Addresses to post to.")
    mails: tuple[MailSpec, ...] = Field((), description="Mail servers to send through.")
    files: tuple[FileSpec, ...] = Field((), description="Files to append to.")

    @property
    def names(self) -> tuple[str, ...]:
        """The channels' names."""
        return (
            *(it.name for it in self.webhooks),
            *(it.name for it in self.mails),
            *(it.name for it in self.files),
        )

    @model_validator(mode="after")
    def _check_names(self) -> "Alerts":
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"two channels are called {twice[0]!r}")
        return self
