"""What certificates for signing are made of."""

import base64
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["begin", "der", "encode", "make_key", "usage"]


def make_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def begin(
    key: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    issuer: x509.Name,
    start: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    """Return a certificate to add extensions to and sign."""
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    built = built.serial_number(x509.random_serial_number())
    return built.not_valid_before(start).not_valid_after(start + life)


def usage(*, authority: bool) -> x509.KeyUsage:
    """Say that a key signs certificates, or else documents."""
    names = (
        "content_commitment key_encipherment data_encipherment key_agreement crl_sign "
        "encipher_only decipher_only"
    )
    off = dict.fromkeys(names.split(), False)
    return x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, **off)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
