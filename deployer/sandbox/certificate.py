"""A certificate for 127.0.0.1, made anew each time: stand-ins over TLS, and nothing to expire."""

import ssl
from dataclasses import dataclass

__all__ = ["Certificate", "make_certificate"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server presents, and the authority in PEM that clients must trust for it."""

    context: ssl.SSLContext
    authority: bytes


def make_certificate() -> Certificate:
    """Return a certificate for 127.0.0.1 and localhost, signed by an authority of its own."""
    import trustme  # noqa: PLC0415 - a server without TLS must not pay for it

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return Certificate(context, authority.cert_pem.bytes())
