from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deployer.artifact.signature import SIGNATURE, verify_signature
from deployer.errors import IntegrityError, SourceError

model_signing: Any = pytest.importorskip("model_signing")


def make_key(folder: Path, name: str) -> tuple[Path, Path]:
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


@pytest.fixture
def signed(model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A model with its signature beside its files, and the public key."""
    private, public = make_key(tmp_path, "ours")
    ignored = model_signing.hashing.Config().set_ignored_paths(paths=[model / SIGNATURE])
    signer = model_signing.signing.Config().use_elliptic_key_signer(private_key=private)
    signer.set_hashing_config(ignored).sign(model, model / SIGNATURE)
    return model, public


def test_the_files_that_were_signed_are_good(signed: tuple[Path, Path]) -> None:
    verify_signature(*signed)


def test_a_signature_may_lie_elsewhere(signed: tuple[Path, Path], tmp_path: Path) -> None:
    model, key = signed
    (model / SIGNATURE).rename(tmp_path / "elsewhere.sig")
    verify_signature(model, key, tmp_path / "elsewhere.sig")
    with pytest.raises(SourceError, match="there is no"):
        verify_signature(model, key)


@pytest.mark.parametrize(
    ("file", "body"),
    [("config.json", b"[]"), ("added", b"1"), (SIGNATURE, b"{}"), (SIGNATURE, b"no json")],
)
def test_other_files_than_were_signed_are_refused(
    signed: tuple[Path, Path], file: str, body: bytes
) -> None:
    model, key = signed
    (model / file).write_bytes(body)
    with pytest.raises(IntegrityError, match="is not what was signed"):
        verify_signature(model, key)


def test_a_file_that_is_missing_is_noticed(signed: tuple[Path, Path]) -> None:
    model, key = signed
    (model / "config.json").unlink()
    with pytest.raises(IntegrityError):
        verify_signature(model, key)


def test_another_key_is_refused(signed: tuple[Path, Path], tmp_path: Path) -> None:
    _, other = make_key(tmp_path, "theirs")
    with pytest.raises(IntegrityError):
        verify_signature(signed[0], other)
