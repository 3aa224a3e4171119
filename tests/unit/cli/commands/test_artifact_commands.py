"""``push``, ``pull`` and ``verify``: one story each, as a shell sees them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.artifact.signature import SIGNATURE
from deployer.cli.app import app
from deployer.providers.local.clock import SystemClock
from tests.unit.artifact.keyless import ISSUER, PERSON, Sigstore
from tests.unit.artifact.signing import state_model

RUNNER = CliRunner()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.joblib").write_bytes(b"weights")
    return tmp_path / "model"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def run(*arguments: object, code: int = 0) -> Any:
    result = RUNNER.invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def push(model: Path, store: Path) -> Any:
    return json.loads(run("push", model, store.as_uri(), "-o", "json").stdout)


def test_a_push_prints_where_it_is(model: Path, store: Path) -> None:
    answer = push(model, store)
    assert answer["schema"] == "deployer/push/v1"
    assert answer["uri"] == f"{store.as_uri()}/artifacts/sha256/{answer['digest'][7:]}"
    assert answer["checks"] == {"model.joblib": "sha256"}
    again = run("push", model, store.as_uri()).stdout
    assert again.splitlines()[0] == answer["uri"]
    assert "1 file, 7 B; sent 0 B, 1 were there" in again


def test_a_pull_brings_it_back(model: Path, store: Path, tmp_path: Path) -> None:
    answer = push(model, store)
    to = tmp_path / "to"
    run("pull", answer["uri"], "--digest", answer["digest"], "--to", to)
    assert (to / "model.joblib").read_bytes() == b"weights"
    told = json.loads(run("pull", answer["uri"], "--to", to, "-o", "json").stdout)
    assert (told["digest"], told["files"], told["size"]) == (answer["digest"], 1, 7)


def test_a_pull_of_another_digest_is_bad_input(model: Path, store: Path, tmp_path: Path) -> None:
    uri = push(model, store)["uri"]
    result = run("pull", uri, "--digest", "sha256:" + "0" * 64, "--to", tmp_path / "to", code=4)
    assert "the URI is of" in result.stderr
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize("deep", [(), ("--deep",)])
def test_damage_is_found_and_pushed_away(model: Path, store: Path, deep: tuple[str]) -> None:
    uri = push(model, store)["uri"]
    assert "1 file, 7 B; good by" in run("verify", uri, *deep).stdout
    (stored,) = store.rglob("model.joblib")
    stored.write_bytes(b"weightz")
    told = json.loads(run("verify", uri, "-o", "json", *deep, code=1).stdout)
    assert (told["good"], len(told["problems"])) == (False, 1)
    assert "is damaged: model.joblib" in run("verify", uri, *deep, code=1).stderr
    push(model, store)
    run("verify", uri, *deep)


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [("nothing", 4, "there is no"), ("empty", 4, "has no model in it")],
)
def test_a_model_that_is_none_is_bad_input(
    tmp_path: Path, store: Path, source: str, code: int, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert words in run("push", tmp_path / source, store.as_uri(), code=code).stderr


@pytest.mark.parametrize("url", ["ftp://acme", "file:///dev/null"])
def test_a_store_that_is_none_is_a_matter_of_setup(model: Path, url: str) -> None:
    assert "error: " in run("push", model, url, code=5).stderr


def test_an_artifact_that_is_not_there_fails(store: Path, tmp_path: Path) -> None:
    uri = f"{store.as_uri()}/artifacts/sha256/{'0' * 64}"
    assert "there is no artifact" in run("verify", uri, code=1).stderr
    assert "there is no artifact" in run("pull", uri, "--to", tmp_path / "to", code=1).stderr
    assert "not the URI" in run("verify", "s3://acme", code=4).stderr


def test_a_push_takes_only_what_the_identity_signed(
    model: Path, store: Path, tmp_path: Path
) -> None:
    sigstore = Sigstore(SystemClock().now())
    root = tmp_path / "trusted_root.json"
    root.write_text(json.dumps(sigstore.trusted_root()))
    (model / SIGNATURE).write_text(json.dumps(sigstore.sign(state_model(model, tmp_path))))
    who = ("--issuer", ISSUER, "--trust", root)
    run("push", model, store.as_uri(), "--identity", PERSON, *who)
    result = run("push", model, store.as_uri(), "--identity", "else@acme.example", *who, code=1)
    assert "Demanded is one by else@acme.example" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "options",
    [
        ("--identity", PERSON),
        ("--issuer", ISSUER),
        ("--trust", "root.json"),
        ("--identity", PERSON, "--issuer", ISSUER, "--key", "ours.pub"),
    ],
)
def test_half_an_identity_is_bad_input(model: Path, store: Path, options: tuple[str, ...]) -> None:
    assert "--identity" in run("push", model, store.as_uri(), *options, code=4).stderr
