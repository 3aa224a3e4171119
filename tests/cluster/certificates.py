"""Keys and certificates for a control plane that lives as long as a test run."""

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deployer.ports import Clock

__all__ = ["Authority", "write_key"]

_LIFETIME = timedelta(days=30)


def write_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key and write it as PEM that only its owner can read."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return key


class Authority:
    """A certificate authority; its certificate is ``ca.crt`` in ``folder``."""

    def __init__(self, folder: Path, name: str, clock: Clock) -> None:
        self.certificate = folder / "ca.crt"
        self._folder, self._clock = folder, clock
        self._key = write_key(folder / "ca.key")
        self._name = _name(f"{name} test authority")
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(_usage(signs=True), critical=True)
        _write(builder.sign(self._key, hashes.SHA256()), self.certificate)

    def issue(self, name: str, hosts: Sequence[str]) -> tuple[Path, Path]:
        """Write ``<name>.crt`` and ``<name>.key`` for a server at these hosts; return both."""
        certificate, key = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        public = write_key(key).public_key()
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = self._builder(_name(name), public)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        builder = builder.add_extension(_usage(signs=False), critical=True)
        builder = builder.add_extension(server, critical=False)
        builder = builder.add_extension(_alternatives(hosts), critical=False)
        _write(builder.sign(self._key, hashes.SHA256()), certificate)
        return certificate, key

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = self._clock.now()
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + _LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(authority, critical=False)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternatives(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_alternative(host) for host in hosts])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write(certificate: x509.Certificate, path: Path) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
