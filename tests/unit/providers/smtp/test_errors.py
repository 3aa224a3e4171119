"""Every error of smtplib's has a place."""

import inspect
import smtplib
import ssl

import pytest

from deployer.errors import (
    AccessDeniedError,
    DeployerError,
    ProviderError,
    SetupError,
    TransientError,
)
from deployer.providers.smtp.errors import TABLE, translate_errors
from deployer.providers.translation import class_of


def test_every_class_of_smtplib_is_in_the_table() -> None:
    classes = [it for _, it in inspect.getmembers(smtplib, inspect.isclass)]
    errors = [it for it in classes if issubclass(it, smtplib.SMTPException)]
    assert len(errors) > 8
    assert {f"smtplib.{it.__name__}" for it in errors} <= set(TABLE)
    assert class_of(LookupError(), TABLE) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (smtplib.SMTPServerDisconnected("gone"), TransientError),
        (smtplib.SMTPConnectError(421, b"busy"), TransientError),
        (smtplib.SMTPDataError(451, b"later"), TransientError),
        (smtplib.SMTPDataError(552, b"too large"), ProviderError),
        (smtplib.SMTPRecipientsRefused({"a@b": (450, b"")}), TransientError),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"")}), ProviderError),
        (smtplib.SMTPAuthenticationError(535, b"no"), AccessDeniedError),
        (smtplib.SMTPNotSupportedError("AUTH"), SetupError),
        (ssl.SSLCertVerificationError("self-signed"), SetupError),
        (TimeoutError("timed out"), TransientError),
    ],
)
def test_an_error_says_what_to_do_next_and_no_text_of_the_servers(
    error: OSError, kind: type[DeployerError]
) -> None:
    with (
        pytest.raises(kind, match="cannot send a notice by mail ops") as caught,
        translate_errors("ops"),
    ):
        raise error
    assert type(caught.value) is kind
    assert "a@b" not in caught.value.message
