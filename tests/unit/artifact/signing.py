"""Keys in files, and what model signing makes with them."""

import base64
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deployer.artifact.signature import SIGNATURE

__all__ = ["sign_with_key", "state_model", "write_key"]


def write_key(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a key pair in PEM; return the private and the public file."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    pem = serialization.Encoding.PEM
    private.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(pem, form))
    return private, public


def sign_with_key(model: Path, private: Path) -> Path:
    """Put a signature beside the model's files, or beside its one file; return it."""
    signature = (model if model.is_dir() else model.parent) / SIGNATURE
    from model_signing import hashing, signing  # noqa: PLC0415 - an extra, and slow

    ignored: Any = hashing.Config()  # type: ignore[no-untyped-call]
    signer: Any = signing.Config()  # type: ignore[no-untyped-call]
    signer.use_elliptic_key_signer(private_key=private)
    signer.set_hashing_config(ignored.set_ignored_paths(paths=[signature]))
    signer.sign(model, signature)
    return signature


def state_model(model: Path, scratch: Path) -> bytes:
    """Return what model signing signs of a model: the payload of a signature by a fresh key."""
    signature = sign_with_key(model, write_key(scratch, "nobody")[0])
    bundle = json.loads(signature.read_text())
    signature.unlink()
    return base64.b64decode(bundle["dsseEnvelope"]["payload"])
