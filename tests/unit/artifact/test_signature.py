import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deployer.artifact.pull import pull_artifact
from deployer.artifact.push import push_artifact
from deployer.artifact.scan import scan_artifact
from deployer.artifact.signature import (
    SIGNATURE,
    describe_signature,
    screen_signature,
    verify_signature,
)
from deployer.errors import IntegrityError, SourceError
from deployer.ports import ObjectStore
from deployer.providers.local.clock import SystemClock
from tests.unit.artifact.certificates import begin, make_key, usage
from tests.unit.artifact.signing import write_key

model_signing: Any = pytest.importorskip("model_signing")


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Write a signer's key and certificate, and the certificate of its authority."""
    keys = [make_key() for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("ca", "us")]
    yesterday = SystemClock().now() - timedelta(days=1)
    pem = serialization.Encoding.PEM
    paths = []
    for index, (name, key) in enumerate(zip(names, keys, strict=True)):
        built = begin(key.public_key(), name, names[0], yesterday, timedelta(days=2))
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
        constraints = x509.BasicConstraints(ca=not index, path_length=None)
        built = built.add_extension(constraints, critical=True)
        built = built.add_extension(usage(authority=not index), critical=True)
        built = built.add_extension(identifier, critical=False)
        built = built.add_extension(issuer, critical=False)
        if index:
            usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
            built = built.add_extension(usages, critical=False)
        paths.append(folder / f"{index}.crt")
        paths[-1].write_bytes(built.sign(keys[0], hashes.SHA256()).public_bytes(pem))
    private = folder / "us.key"
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(keys[1].private_bytes(pem, form, serialization.NoEncryption()))
    return private, paths[1], paths[0]


def test_the_files_that_were_signed_are_good(signed: tuple[Path, Path]) -> None:
    verify_signature(*signed)


def test_a_signature_may_lie_elsewhere(signed: tuple[Path, Path], tmp_path: Path) -> None:
    model, key = signed
    (model / SIGNATURE).rename(tmp_path / "elsewhere.sig")
    verify_signature(model, key, tmp_path / "elsewhere.sig")
    with pytest.raises(SourceError, match="there is no"):
        verify_signature(model, key)


def test_a_model_may_be_named_from_where_one_is(
    signed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, key = signed
    monkeypatch.chdir(model.parent)
    verify_signature(Path(model.name), key)
    monkeypatch.chdir(model)
    verify_signature(Path(), key)


def test_a_hash_that_cannot_be_verified_is_named(model: Path, tmp_path: Path) -> None:
    private, key = write_key(tmp_path, "ours")
    blake = model_signing.hashing.Config().use_file_serialization(hashing_algorithm="blake3")
    signer = model_signing.signing.Config().use_elliptic_key_signer(private_key=private)
    signer.set_hashing_config(blake).sign(model, model / SIGNATURE)
    with pytest.raises(SourceError, match="it is over files by blake3"):
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
    with pytest.raises(IntegrityError, match=r"is not what was signed|is no signature"):
        verify_signature(model, key)


def test_a_file_that_is_missing_is_noticed(signed: tuple[Path, Path]) -> None:
    model, key = signed
    (model / "config.json").unlink()
    with pytest.raises(IntegrityError):
        verify_signature(model, key)


def test_another_key_is_refused(signed: tuple[Path, Path], tmp_path: Path) -> None:
    _, other = write_key(tmp_path, "theirs")
    with pytest.raises(IntegrityError):
        verify_signature(signed[0], other)


def test_a_model_without_a_signature_passes_unless_one_is_required(
    model: Path, tmp_path: Path
) -> None:
    _, key = write_key(tmp_path, "ours")
    screen_signature(model, None, required=False)
    screen_signature(model, key, required=False)
    assert describe_signature(model, None) == ""
    assert "no signature" in describe_signature(model, key)
    with pytest.raises(SourceError, match="has no signature, and the spec requires one"):
        screen_signature(model, key, required=True)


@pytest.mark.parametrize("required", [True, False])
def test_a_wrong_signature_is_refused_whether_required_or_not(
    signed: tuple[Path, Path], tmp_path: Path, required: bool
) -> None:
    _, other = write_key(tmp_path, "theirs")
    screen_signature(*signed, required=required)
    assert "signed with ours.pub" in describe_signature(*signed)
    with pytest.raises(IntegrityError):
        screen_signature(signed[0], other, required=required)


def test_a_signature_of_nobody_known_is_said_not_to_be_verified(
    signed: tuple[Path, Path],
) -> None:
    assert "name whose it is" in describe_signature(signed[0], None)


def test_a_certificate_stands_for_whom_its_authority_vouches_for(
    model: Path, tmp_path: Path
) -> None:
    key, certificate, authority = make_certificates(tmp_path)
    ignored = model_signing.hashing.Config().set_ignored_paths(paths=[model / SIGNATURE])
    signer = model_signing.signing.Config().use_certificate_signer(
        private_key=key, signing_certificate=certificate, certificate_chain=[authority]
    )
    signer.set_hashing_config(ignored).sign(model, model / SIGNATURE)
    verify_signature(model, authority)
    (model / "config.json").write_bytes(b"[]")
    with pytest.raises(IntegrityError):
        verify_signature(model, authority)


@pytest.fixture
def signed_file(tmp_path: Path) -> tuple[Path, Path]:
    """A model of one file, its signature beside it among other files, and the public key."""
    private, public = write_key(tmp_path, "ours")
    model = tmp_path / "models" / "model.onnx"
    model.parent.mkdir()
    model.write_bytes(b"weights")
    (model.parent / "other.onnx").write_bytes(b"no part of it")
    signer = model_signing.signing.Config().use_elliptic_key_signer(private_key=private)
    signer.sign(model, model.parent / SIGNATURE)
    return model, public


def test_the_signature_of_a_single_file_goes_where_it_goes_and_is_good_there(
    signed_file: tuple[Path, Path], tmp_path: Path, store: ObjectStore
) -> None:
    model, key = signed_file
    screen_signature(model, key, required=True)
    artifact = scan_artifact(model)
    assert [file.path for file in artifact.files] == ["model.onnx", SIGNATURE]
    push_artifact(artifact, store)
    pull_artifact(store, artifact.digest, tmp_path / "to")
    verify_signature(tmp_path / "to" / "model.onnx", key)
    verify_signature(tmp_path / "to", key)
    assert scan_artifact(tmp_path / "to").digest == artifact.digest


def test_a_single_file_that_was_changed_is_not_good(signed_file: tuple[Path, Path]) -> None:
    model, key = signed_file
    model.write_bytes(b"other")
    with pytest.raises(IntegrityError, match="not what was signed"):
        screen_signature(model, key, required=False)


def test_a_signature_is_no_model(signed_file: tuple[Path, Path]) -> None:
    model, _ = signed_file
    model.write_bytes(b"")
    with pytest.raises(SourceError, match="no model in it"):
        scan_artifact(model)


def test_a_signature_that_lies_elsewhere_is_not_taken_along(
    signed_file: tuple[Path, Path], tmp_path: Path
) -> None:
    model, _ = signed_file
    (model.parent / SIGNATURE).rename(tmp_path / "elsewhere.sig")
    (model.parent / SIGNATURE).symlink_to(tmp_path / "elsewhere.sig")
    with pytest.raises(SourceError, match="leads out"):
        scan_artifact(model)


def test_another_authority_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    key, certificate, authority = make_certificates(tmp_path)
    _, _, other = make_certificates(tmp_path / "theirs")
    ignored = model_signing.hashing.Config().set_ignored_paths(paths=[model / SIGNATURE])
    signer = model_signing.signing.Config().use_certificate_signer(
        private_key=key, signing_certificate=certificate, certificate_chain=[authority]
    )
    signer.set_hashing_config(ignored).sign(model, model / SIGNATURE)
    with pytest.raises(IntegrityError, match="is not what was signed"):
        verify_signature(model, other)


def test_a_warning_of_the_librarys_is_not_among_results(
    signed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, key = signed
    bundle = json.loads((model / SIGNATURE).read_text())
    del bundle["verificationMaterial"]["publicKey"]["hint"]  # as before model signing 1.0
    (model / SIGNATURE).write_text(json.dumps(bundle))
    verify_signature(model, key)
    assert not capsys.readouterr().out


def test_a_statement_that_was_changed_is_refused(signed: tuple[Path, Path]) -> None:
    model, key = signed
    bundle = json.loads((model / SIGNATURE).read_text())
    bundle["dsseEnvelope"]["payload"] = "e30="
    (model / SIGNATURE).write_text(json.dumps(bundle))
    with pytest.raises(IntegrityError, match="InvalidSignature"):
        verify_signature(model, key)


def test_a_key_is_no_certificate(signed: tuple[Path, Path], tmp_path: Path) -> None:
    _, _, authority = make_certificates(tmp_path)
    with pytest.raises(IntegrityError, match="is not what was signed"):
        verify_signature(signed[0], authority)
