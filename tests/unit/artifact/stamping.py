"""A time-stamping authority (RFC 3161), for signatures whose log does not sign a time."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.unit.artifact.certificates import begin, der, encode, make_key, usage

__all__ = ["Stamper"]

_POLICY = "1.3.6.1.4.1.57264.2"
_DIGEST = algos.DigestAlgorithm({"algorithm": "sha256"})


@dataclass(frozen=True)
class Stamper:
    """Says that it has seen a signature, and when."""

    start: datetime
    key: ec.EllipticCurvePrivateKey = field(default_factory=make_key)
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=make_key)

    def describe(self) -> dict[str, Any]:
        """Return it as it stands in a trusted root."""
        chain = [{"rawBytes": encode(der(each))} for each in self.chain]
        return {
            "subject": {"organization": "acme", "commonName": "tsa"},
            "certChain": {"certificates": chain},
            "validFor": {"start": self.start.isoformat()},
        }

    @cached_property
    def chain(self) -> tuple[x509.Certificate, x509.Certificate]:
        """The certificate it signs with, and its authority's."""
        names = [
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            for name in ("tsa.acme.example", "tsa root")
        ]
        life = timedelta(days=3650)
        root = begin(self.root_key.public_key(), names[1], names[1], self.start, life)
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        root = root.add_extension(usage(authority=True), critical=True)
        leaf = begin(self.key.public_key(), names[0], names[1], self.start, life)
        leaf = leaf.add_extension(usage(authority=False), critical=True)
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        leaf = leaf.add_extension(purpose, critical=True)
        issuer = self.root_key.public_key()
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer)
        leaf = leaf.add_extension(identifier, critical=False)
        subject = x509.SubjectKeyIdentifier.from_public_key(issuer)
        root = root.add_extension(subject, critical=False)
        return leaf.sign(self.root_key, hashes.SHA256()), root.sign(self.root_key, hashes.SHA256())

    def stamp(self, signature: bytes, at: datetime) -> bytes:
        """Return the answer to a request to stamp a signature (RFC 3161, 2.4.2), in DER."""
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": _POLICY,
                "message_imprint": {
                    "hash_algorithm": _DIGEST,
                    "hashed_message": hashlib.sha256(signature).digest(),
                },
                "serial_number": 1,
                "gen_time": at,
            }
        )
        token = cms.ContentInfo({"content_type": "signed_data", "content": self._sign(info, at)})
        answer = {"status": {"status": "granted"}, "time_stamp_token": token}
        return bytes(tsp.TimeStampResp(answer).dump())

    def _sign(self, info: tsp.TSTInfo, at: datetime) -> cms.SignedData:
        mine = asn1.Certificate.load(der(self.chain[0]))
        certificate = {"certs": [{"cert_hash": hashlib.sha256(der(self.chain[0])).digest()}]}
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "signing_time", "values": [cms.Time({"utc_time": at})]},
                {"type": "message_digest", "values": [hashlib.sha256(info.dump()).digest()]},
                {"type": "signing_certificate_v2", "values": [certificate]},
            ]
        )
        who = {"issuer": mine.issuer, "serial_number": mine.serial_number}
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", who),
            "digest_algorithm": _DIGEST,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": self.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
        }
        return cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [_DIGEST],
                "encap_content_info": {"content_type": "tst_info", "content": info},
                "certificates": [mine],
                "signer_infos": [signer],
            }
        )
