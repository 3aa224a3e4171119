"""What went wrong with a mail server, in our words: its own text is cut, addresses stay out."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager

from deployer.errors import (
    AccessDeniedError,
    DeployerError,
    ProviderError,
    SetupError,
    TransientError,
)
from deployer.providers.translation import Kind, build_error, class_of

__all__ = ["TABLE", "translate_errors"]

_TEMPORARY = range(400, 500)
"""A reply that begins with 4 may be another one later (RFC 5321, 4.2.1)."""

TABLE: dict[str, Kind] = {
    "smtplib.SMTPException": ProviderError,
    "smtplib.SMTPNotSupportedError": SetupError,
    "smtplib.SMTPServerDisconnected": TransientError,
    "smtplib.SMTPResponseException": ProviderError,
    "smtplib.SMTPSenderRefused": ProviderError,
    "smtplib.SMTPRecipientsRefused": ProviderError,
    "smtplib.SMTPDataError": ProviderError,
    "smtplib.SMTPConnectError": TransientError,
    "smtplib.SMTPHeloError": ProviderError,
    "smtplib.SMTPAuthenticationError": AccessDeniedError,
    "ssl.SSLCertVerificationError": SetupError,
    "builtins.OSError": TransientError,
}
"""Most specific first; a reply's code decides where there is one."""


@contextmanager
def translate_errors(channel: str) -> Iterator[None]:
    """Raise ours for what smtplib and the network raise; nothing of the login is in it."""
    try:
        yield
    except OSError as error:  # every error of smtplib's is one
        raise _translate(error, channel) from None


def _translate(error: OSError, channel: str) -> DeployerError:
    kind = class_of(error, TABLE) or ProviderError
    code = _code_of(error)
    if kind is not AccessDeniedError and code in _TEMPORARY:
        kind = TransientError
    said = f"the server answered {code}" if code else type(error).__name__
    why = error.strerror or said
    return build_error(kind, why, operation="send a notice by", resource=f"mail {channel}")


def _code_of(error: OSError) -> int:
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    return 0
