"""A stand-in for the public sigstore: an authority, its certificate log and a signature log.

Makes what a keyless signer would bring home, with keys of its own: the bundle's certificate has
a certificate timestamp (RFC 6962), its log entry an inclusion proof under a signed checkpoint and
a signed entry timestamp, as Rekor's first version has them; or, as its second has them, a timestamp
of an authority's instead of the log's.
"""

import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.unit.artifact.certificates import begin, der, encode, make_key, usage
from tests.unit.artifact.stamping import Stamper

__all__ = ["ISSUER", "PERSON", "Log", "Sigstore"]

PERSON = "release@acme.example"
ISSUER = "https://accounts.acme.example"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_TIMESTAMPS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ECDSA = ec.ECDSA(hashes.SHA256())
_PRECERTIFICATE = 1
_CERTIFICATE_LIFE = timedelta(minutes=10)  # Fulcio's


@dataclass(frozen=True)
class Log:
    """Whoever signs what was logged: known by the hash of its key."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=make_key)

    @property
    def public(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.DER, form)

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.public).digest()

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, _ECDSA)

    def describe(self, start: datetime) -> dict[str, Any]:
        return {
            "baseUrl": f"https://{self.name}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": encode(self.public),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": start.isoformat()},
            },
            "logId": {"keyId": encode(self.id)},
        }


@dataclass(frozen=True)
class Sigstore:
    """One instance of sigstore, at ``now``; replace a part of it to break one link."""

    now: datetime
    identity: str = PERSON
    issuer: str = ISSUER
    logged_after: timedelta = timedelta(seconds=5)
    """How long after its certificate a signature is logged."""
    authority_key: ec.EllipticCurvePrivateKey = field(default_factory=make_key)
    certificates: Log = field(default_factory=lambda: Log("ct.acme.example"))
    signatures: Log = field(default_factory=lambda: Log("rekor.acme.example"))
    stamper: Stamper | None = None
    """Who says when a signature was made."""
    rekor: Literal[1, 2] = 1
    """The version of the signature log: its second needs a stamper, as it signs no time."""

    @property
    def start(self) -> datetime:
        return self.now - timedelta(days=365)

    @cached_property
    def authority(self) -> x509.Certificate:
        """What vouches for signers' certificates."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fulcio.acme.example")])
        key = self.authority_key.public_key()
        built = begin(key, name, name, self.start, timedelta(days=3650))
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        built = built.add_extension(usage(authority=True), critical=True)
        built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return built.sign(self.authority_key, hashes.SHA256())

    def trusted_root(self) -> dict[str, Any]:
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.signatures.describe(self.start)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "acme", "commonName": "fulcio"},
                    "certChain": {"certificates": [{"rawBytes": encode(der(self.authority))}]},
                    "validFor": {"start": self.start.isoformat()},
                }
            ],
            "ctlogs": [self.certificates.describe(self.start)],
            "timestampAuthorities": [self.stamper.describe()] if self.stamper else [],
        }

    def sign(self, payload: bytes) -> dict[str, Any]:
        """Return the bundle of a fresh key's signature."""
        key = make_key()
        certificate = self._issue(key)
        signature = key.sign(_pae(payload), _ECDSA)
        describe = _entry_body if self.rekor == 1 else _entry_body_of_2
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": encode(der(certificate))},
                "tlogEntries": [self._log(describe(payload, signature, certificate))],
                "timestampVerificationData": {"rfc3161Timestamps": self._stamp(signature)},
            },
            "dsseEnvelope": {
                "payload": encode(payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": encode(signature)}],
            },
        }

    def _stamp(self, signature: bytes) -> list[dict[str, str]]:
        if self.stamper is None:
            return []
        answer = self.stamper.stamp(signature, self.now + self.logged_after)
        return [{"signedTimestamp": encode(answer)}]

    def _issue(self, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        named = x509.UniformResourceIdentifier if "://" in self.identity else x509.RFC822Name
        authority_key = self.authority_key.public_key()
        built = begin(
            key.public_key(), x509.Name([]), self.authority.subject, self.now, _CERTIFICATE_LIFE
        )
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (usage(authority=False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key), False),
            (x509.SubjectAlternativeName([named(self.identity)]), True),
            (x509.UnrecognizedExtension(_ISSUER, self.issuer.encode()), False),
        ]
        for extension, critical in extensions:
            built = built.add_extension(extension, critical=critical)
        early = built.sign(self.authority_key, hashes.SHA256())
        timestamps = x509.UnrecognizedExtension(_TIMESTAMPS, self._timestamp(early))
        return built.add_extension(timestamps, critical=False).sign(
            self.authority_key, hashes.SHA256()
        )

    def _timestamp(self, early: x509.Certificate) -> bytes:
        """Return the log's promise of a certificate (RFC 6962, 3.2 and 3.3), in DER."""
        at = struct.pack(">Q", int(self.now.timestamp() * 1000))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        issuer = self.authority.public_key().public_bytes(serialization.Encoding.DER, form)
        body = early.tbs_certificate_bytes
        entry = hashlib.sha256(issuer).digest() + len(body).to_bytes(3, "big") + body
        signed = bytes(2) + at + struct.pack(">H", _PRECERTIFICATE) + entry + bytes(2)
        signature = self.certificates.sign(signed)
        promise = bytes(1) + self.certificates.id + at + bytes(2)
        promise += bytes([4, 3]) + _sized(signature)  # SHA-256 with ECDSA (RFC 5246, 7.4.1.4.1)
        promises = _sized(_sized(promise))
        return b"\x04" + _der_length(len(promises)) + promises

    def _log(self, body: bytes) -> dict[str, Any]:
        leaves = [_leaf(f"of somebody else, {index}".encode()) for index in range(7)]
        index = 4
        leaves[index] = _leaf(body)
        root = encode(_tree(leaves))
        note = f"{self.signatures.name} - 1\n{len(leaves)}\n{root}\n"
        mark = encode(self.signatures.id[:4] + self.signatures.sign(note.encode()))
        kind, version = ("dsse", "0.0.1") if self.rekor == 1 else ("hashedrekord", "0.0.2")
        return {
            "logIndex": str(index),
            "logId": {"keyId": encode(self.signatures.id)},
            "kindVersion": {"kind": kind, "version": version},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": root,
                "treeSize": str(len(leaves)),
                "hashes": [encode(each) for each in _path(leaves, index)],
                "checkpoint": {"envelope": f"{note}\n\u2014 {self.signatures.name} {mark}\n"},
            },
            "canonicalizedBody": encode(body),
            **(self._promise(body, index) if self.rekor == 1 else {}),
        }

    def _promise(self, body: bytes, index: int) -> dict[str, Any]:
        """Return the log's signed time of an entry."""
        at = int((self.now + self.logged_after).timestamp())
        promised: dict[str, Any] = {
            "body": encode(body),
            "integratedTime": at,
            "logID": self.signatures.id.hex(),
            "logIndex": index,
        }
        signed = self.signatures.sign(rfc8785.dumps(promised))
        return {
            "integratedTime": str(at),
            "inclusionPromise": {"signedEntryTimestamp": encode(signed)},
        }


def _der_length(size: int) -> bytes:
    return bytes([size]) if size < 0x80 else bytes([0x81, size])


def _sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _pae(payload: bytes) -> bytes:
    """Return what is signed of an envelope (DSSE's pre-authentication encoding)."""
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload


def _entry_body(payload: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    digest = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
    entry = {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": digest,
            "payloadHash": digest,
            "signatures": [{"signature": encode(signature), "verifier": encode(pem)}],
        },
    }
    return json.dumps(entry).encode()


def _entry_body_of_2(payload: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
    digest = hashlib.sha256(_pae(payload)).digest()
    verifier = {
        "x509Certificate": {"rawBytes": encode(der(certificate))},
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
    }
    record = {
        "data": {"algorithm": "SHA2_256", "digest": encode(digest)},
        "signature": {"content": encode(signature), "verifier": verifier},
    }
    entry = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}
    return json.dumps(entry).encode()


def _leaf(body: bytes) -> bytes:
    return hashlib.sha256(b"\0" + body).digest()


def _tree(leaves: list[bytes]) -> bytes:
    """Return the Merkle tree's hash (RFC 6962, 2.1)."""
    if len(leaves) == 1:
        return leaves[0]
    middle = _middle(leaves)
    return hashlib.sha256(b"\1" + _tree(leaves[:middle]) + _tree(leaves[middle:])).digest()


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962, 2.1.1)."""
    if len(leaves) == 1:
        return []
    middle = _middle(leaves)
    if index < middle:
        return [*_path(leaves[:middle], index), _tree(leaves[middle:])]
    return [*_path(leaves[middle:], index - middle), _tree(leaves[:middle])]


def _middle(leaves: list[bytes]) -> int:
    return 1 << ((len(leaves) - 1).bit_length() - 1)
