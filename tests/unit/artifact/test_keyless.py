"""Keyless signatures, verified by the real library against a sigstore of our own."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import Identity, describe_signature, screen_signature
from deployer.artifact.signature import SIGNATURE, verify_signature
from deployer.errors import IntegrityError, SourceError
from deployer.providers.local.clock import SystemClock
from tests.unit.artifact.certificates import encode, make_key
from tests.unit.artifact.keyless import ISSUER, PERSON, Log, Sigstore
from tests.unit.artifact.signing import sign_with_key, state_model, write_key
from tests.unit.artifact.stamping import Stamper

pytest.importorskip("model_signing")
pytestmark = pytest.mark.usefixtures("socket_disabled")

YESTERDAY = SystemClock().now().replace(microsecond=0) - timedelta(days=1)
Bundle = dict[str, Any]
Change = Callable[[Bundle], object]
Sign = Callable[..., Bundle]


@pytest.fixture(scope="module")
def ours() -> Sigstore:
    return Sigstore(YESTERDAY)


@pytest.fixture
def who(ours: Sigstore, tmp_path: Path) -> Identity:
    root = tmp_path / "trusted_root.json"
    root.write_text(json.dumps(ours.trusted_root()))
    return Identity(PERSON, ISSUER, root)


@pytest.fixture
def sign(model: Path, tmp_path: Path, ours: Sigstore) -> "Sign":
    """Sign the model by our sigstore, or by one that differs in some part."""
    statement = state_model(model, tmp_path)

    def sign(**other: Any) -> Bundle:
        bundle = replace(ours, **other).sign(statement)
        (model / SIGNATURE).write_text(json.dumps(bundle))
        return bundle

    return sign


def refusal(model: Path, who: Identity) -> str:
    with pytest.raises(IntegrityError) as caught:
        screen_signature(model, who, required=False)
    return f"{caught.value.message} | {caught.value.hint}"


def test_what_the_identity_signed_is_good(
    model: Path, ours: Sigstore, who: Identity, sign: Sign
) -> None:
    sign()
    verify_signature(model, who)
    when = ours.now + ours.logged_after
    assert describe_signature(model, who) == (
        f"signed by {PERSON} of {ISSUER}, logged at {when:%Y-%m-%d %H:%M} UTC, and unchanged since"
    )


def test_a_workload_signs_by_its_uri(model: Path, who: Identity, sign: Sign) -> None:
    workflow = "https://ci.acme.example/models/.github/workflows/release.yml@refs/heads/main"
    sign(identity=workflow)
    verify_signature(model, replace(who, name=workflow))


def test_a_model_may_be_one_file(who: Identity, ours: Sigstore, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    statement = state_model(folder / "model.onnx", tmp_path)
    (folder / SIGNATURE).write_text(json.dumps(ours.sign(statement)))
    screen_signature(folder / "model.onnx", who, required=True)
    (folder / "model.onnx").write_bytes(b"others")
    assert "Hash mismatch" in refusal(folder / "model.onnx", who)


def test_a_clients_trust_config_has_a_root_in_it(
    model: Path, ours: Sigstore, who: Identity, sign: Sign, tmp_path: Path
) -> None:
    sign()
    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": ours.trusted_root(),
        "signingConfig": {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    verify_signature(model, replace(who, trust=tmp_path / "config.json"))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            {"identity": "mallory@evil.example"},
            ["mallory@evil.example", f"Demanded is one by {PERSON} of {ISSUER}"],
        ),
        (
            {"identity": f"x{PERSON}"},
            [f"signature by x{PERSON}", f"Demanded is one by {PERSON} of {ISSUER}"],
        ),
        ({"issuer": "https://evil.example"}, ["got 'https://evil.example', expected", ISSUER]),
        (
            {"logged_after": timedelta(hours=1)},
            ["cert is not valid at validation time", "certified from", "logged at"],
        ),
        ({"authority_key": make_key()}, ["failed to build timestamp certificate chain"]),
        ({"signatures": Log("else.example")}, ["does not know the log of signatures"]),
        ({"certificates": Log("else.example")}, ["does not know the log of certificates"]),
    ],
    ids=["identity", "longer", "issuer", "late", "authority", "log", "certificate log"],
)
def test_each_link_of_somebody_elses_is_refused_by_name(
    model: Path, who: Identity, sign: Sign, other: Any, words: list[str]
) -> None:
    sign(**other)
    said = refusal(model, who)
    assert all(word in said for word in words), said
    assert "trusted_root.json" in said


def entry_of(bundle: Bundle) -> Any:
    return bundle["verificationMaterial"]["tlogEntries"][0]


def forge(bundle: Bundle) -> None:
    """Put another statement into the envelope."""
    other = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b"config", b"confid")
    bundle["dsseEnvelope"]["payload"] = encode(other)


def sign_blob(bundle: Bundle) -> None:
    """Let it be over a file's bytes, as other tools sign, not over a statement on a model."""
    signature = bundle.pop("dsseEnvelope")["signatures"][0]["sig"]
    bundle["messageSignature"] = {"signature": signature}


def spoil(bundle: Bundle) -> None:
    """Let the certificate be of a version that there is none of (RFC 5280, 4.1.2.1)."""
    certificate = bundle["verificationMaterial"]["certificate"]
    body = base64.b64decode(certificate["rawBytes"])
    certificate["rawBytes"] = encode(body.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x0a"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: entry_of(b).pop("inclusionProof"), "without an inclusion proof"),
        (lambda b: entry_of(b)["inclusionProof"].pop("checkpoint"), "inclusion proof, with checkp"),
        (lambda b: entry_of(b)["inclusionProof"]["hashes"].reverse(), "contains invalid root hash"),
        (lambda b: entry_of(b).pop("inclusionPromise"), "must contain an inclusion promise"),
        (lambda b: entry_of(b).update(integratedTime="1"), "not valid at validation time"),
        (lambda b: entry_of(b).update(logIndex="3"), "invalid inclusion promise"),
        (lambda b: entry_of(b).update(canonicalizedBody="e30="), "contains invalid root hash"),
        (lambda b: b["verificationMaterial"].update(tlogEntries=[]), "one log entry"),
        (forge, "DSSE: invalid signature"),
        (lambda b: b.pop("dsseEnvelope"), "messageSignature or dsseEnvelope"),
        (lambda b: b.pop("verificationMaterial"), "is no signature of a model"),
        (lambda b: b.update(mediaType="text/plain"), "failed to load bundle"),
        (lambda b: entry_of(b).update(integratedTime="9" * 20), "is no signature of a model"),
        (sign_blob, "without a DSSE envelope"),
        (spoil, "is no signature of a model"),
    ],
)
def test_a_bundle_that_was_changed_is_refused(
    model: Path, who: Identity, sign: Sign, change: Change, words: str
) -> None:
    bundle = sign()
    change(bundle)
    (model / SIGNATURE).write_text(json.dumps(bundle))
    said = refusal(model, who)
    assert words in said, said


def test_the_log_entry_of_another_signature_is_refused(
    model: Path, who: Identity, sign: Sign
) -> None:
    theirs, bundle = sign(), sign()
    bundle["verificationMaterial"]["tlogEntries"] = theirs["verificationMaterial"]["tlogEntries"]
    (model / SIGNATURE).write_text(json.dumps(bundle))
    assert "log entry signatures do not match" in refusal(model, who)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda model: (model / "config.json").write_bytes(b"[]"), "mismatch for 'config.json'"),
        (lambda model: (model / "added").write_bytes(b"1"), "Extra files found"),
        (lambda model: (model / "config.json").unlink(), "Missing files"),
    ],
)
def test_other_files_than_the_identity_signed_are_refused(
    model: Path,
    who: Identity,
    sign: Sign,
    change: Callable[[Path], object],
    words: str,
) -> None:
    sign()
    change(model)
    said = refusal(model, who)
    assert words in said
    assert "digest_value" not in said


def test_a_key_is_no_identity(model: Path, who: Identity, tmp_path: Path) -> None:
    sign_with_key(model, write_key(tmp_path, "ours")[0])
    said = refusal(model, who)
    assert f"a signature by a key, and {PERSON} of {ISSUER} was demanded" in said
    assert "model: {signer: FILE}" in said


def test_an_identity_is_no_key(model: Path, sign: Sign, tmp_path: Path) -> None:
    _, key = write_key(tmp_path, "ours")
    sign()
    with pytest.raises(IntegrityError, match=f"was not signed with .*a signature by {PERSON}") as e:
        verify_signature(model, key)
    assert f"{{signer: {{identity: {PERSON}, issuer: {ISSUER}}}}}" in str(e.value.hint)


def test_an_identity_that_nobody_named_is_proposed(model: Path, sign: Sign) -> None:
    sign()
    said = describe_signature(model, None)
    assert "was not verified" in said
    assert f"{{signer: {{identity: {PERSON}, issuer: {ISSUER}}}}}" in said


def test_what_a_signature_says_of_itself_cannot_paint_the_terminal(model: Path, sign: Sign) -> None:
    sign(issuer="https://\x1b[2J")
    assert "\x1b" not in describe_signature(model, None)


def test_the_root_that_is_shipped_says_how_old_it_is(
    model: Path, who: Identity, sign: Sign
) -> None:
    sign()
    said = refusal(model, replace(who, trust=None))
    assert "ships does not know the log of signatures" in said
    assert "newest key is of 20" in said
    assert "or name a root" in said


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mediaType": "text/plain"}'])
def test_a_file_that_is_no_root_is_not_a_wrong_signature(
    model: Path, who: Identity, sign: Sign, text: str
) -> None:
    sign()
    assert who.trust is not None
    who.trust.write_text(text)
    with pytest.raises(SourceError, match="is no trusted root"):
        verify_signature(model, who)


def test_a_root_without_logs_cannot_be_used(
    model: Path, ours: Sigstore, who: Identity, sign: Sign
) -> None:
    sign()
    assert who.trust is not None
    who.trust.write_text(json.dumps({**ours.trusted_root(), "tlogs": []}))
    with pytest.raises(SourceError, match="contains no transparency log"):
        verify_signature(model, who)


def test_a_required_signature_that_is_missing_says_how_to_sign(model: Path, who: Identity) -> None:
    with pytest.raises(SourceError) as caught:
        screen_signature(model, who, required=True)
    assert "sign sigstore" in str(caught.value.hint)


@pytest.fixture
def stamp(ours: Sigstore, who: Identity, sign: Sign) -> Sign:
    """Sign with the time of an authority that the root knows, into a log that signs no time."""
    sigstore = replace(ours, stamper=Stamper(ours.start))
    assert who.trust is not None
    who.trust.write_text(json.dumps(sigstore.trusted_root()))
    return lambda **other: sign(**{"stamper": sigstore.stamper, "rekor": 2, **other})


@pytest.mark.parametrize("rekor", [1, 2])
def test_a_time_may_come_from_an_authority(
    model: Path, who: Identity, stamp: Sign, rekor: int
) -> None:
    stamp(rekor=rekor)
    verify_signature(model, who)
    assert f"signed by {PERSON} of {ISSUER}" in describe_signature(model, who)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"stamper": None}, "inclusion promise or signed timestamp"),
        ({"stamper": Stamper(YESTERDAY)}, "not enough sources of verified time"),
        ({"logged_after": timedelta(hours=1)}, "not valid at validation time"),
        ({"signatures": Log("else.example")}, "does not know the log of signatures"),
    ],
    ids=["none", "another", "late", "log"],
)
def test_without_a_time_that_is_trusted_a_signature_is_refused(
    model: Path, who: Identity, stamp: Sign, other: Any, words: str
) -> None:
    stamp(**other)
    said = refusal(model, who)
    assert words in said, said


def test_a_root_without_the_authority_takes_no_stamp(
    model: Path, who: Identity, sign: Sign
) -> None:
    sign(stamper=Stamper(YESTERDAY))
    assert "no Timestamp Authorities have been provided" in refusal(model, who)
