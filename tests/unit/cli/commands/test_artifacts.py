"""``deployer artifacts`` on stores that are folders, with a release recorded in each."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.artifact import artifact_uri, push_artifact, scan_artifact
from deployer.cli.app import app
from deployer.providers.local.directory import DirectoryStore
from deployer.release.records import encode_record
from deployer.values import Digest

SPEC = """\
name: iris
model: {path: ./model}
targets:
  - {name: one, provider: local, store: "file://./one", cluster: {local: ./cluster}}
  - {name: two, provider: local, store: "file://./two", cluster: {local: ./cluster}}
  - {name: three, provider: local, store: "file://./three", cluster: {local: ./cluster}}
"""
NAMES = ("one", "two", "three")


@dataclass
class Folder:
    """Three stores in a folder; ``used`` is expected by a release, ``unused`` by none."""

    path: Path
    used: Digest
    unused: Digest

    def file(self, store: str, digest: Digest, name: str = "weights") -> Path:
        return self.path / store / "artifacts" / "sha256" / digest.hex / name

    def run(self, *words: str) -> Any:
        spec = str(self.path / "deployer.yaml")
        return CliRunner().invoke(app, ["artifacts", words[0], "-f", spec, *words[1:]])

    def answer(self, *words: str) -> Any:
        result = self.run(*words, "-o", "json")
        assert result.stdout, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def folder(
    tmp_path: Path,
    now: datetime,
    make_bundle: Callable[..., Any],
    make_part: Callable[..., Any],
) -> Folder:
    del now
    (tmp_path / "deployer.yaml").write_text(SPEC)
    stores = []
    for name in NAMES:
        (tmp_path / name).mkdir()
        stores.append(DirectoryStore(tmp_path / name))
    digests = []
    for content in ("used", "unused"):
        model = tmp_path / f"model-{content}"
        model.mkdir()
        (model / "weights").write_text(content * 1000)
        artifact = scan_artifact(model)
        digests.append(artifact.digest)
        for store in stores:
            push_artifact(artifact, store)
    parts = [
        make_part(name, uri=artifact_uri(store.url, digests[0]))
        for name, store in zip(NAMES, stores, strict=True)
    ]
    bundle = make_bundle(1, *parts, name="iris")
    about = bundle.artifact.model_copy(update={"digest": str(digests[0])})
    body = encode_record(bundle.model_copy(update={"artifact": about}))
    for store in stores:
        store.put("deployer/iris/releases/000001.json", body)
    return Folder(tmp_path, *digests)


def test_every_copy_is_listed_with_the_releases_that_use_it(folder: Folder) -> None:
    listed = {one["digest"]: one for one in folder.answer("list")["artifacts"]}
    assert listed[str(folder.used)]["releases"] == [{"name": "iris", "release": 1}]
    assert listed[str(folder.unused)]["releases"] == []
    assert [copy["state"] for copy in listed[str(folder.used)]["copies"]] == ["complete"] * 3
    table = folder.run("list", folder.used.hex[:8])
    assert table.exit_code == 0
    assert folder.used.short in table.stdout
    assert folder.unused.short not in table.stdout


def test_damage_is_found_named_and_repaired(folder: Folder) -> None:
    folder.file("two", folder.used).write_text("used" * 999 + "oops")
    assert folder.run("verify").exit_code in {0, 1}
    found = folder.run("verify", "--deep")
    assert found.exit_code == 1
    assert "damaged" in found.stdout
    assert "artifacts repair --deep" in found.stderr
    repaired = folder.answer("repair", "--deep")["copies"]
    assert sorted(one["state"] for one in repaired) == ["good", "good", "repaired"]
    assert folder.file("two", folder.used).read_text() == "used" * 1000
    assert folder.run("verify", "--deep").exit_code == 0


def test_garbage_goes_when_it_is_old_and_the_user_says_so(folder: Folder) -> None:
    assert "kept" in folder.run("gc", "--dry-run").stderr
    would = folder.answer("gc", "--dry-run", "--older-than", "0")
    assert [store["found"] for store in would["stores"]] == [[str(folder.unused)]] * 3
    asked = folder.run("gc", "--older-than", "0")
    assert (asked.exit_code, folder.file("one", folder.unused).exists()) == (4, True)
    gone = folder.run("gc", "--older-than", "0", "--yes")
    assert gone.exit_code == 0, gone.stderr
    assert not folder.file("one", folder.unused).exists()
    assert folder.file("one", folder.used).exists()
    assert folder.run("verify", "--deep").exit_code == 0


def test_more_than_the_cap_is_bad_input(folder: Folder) -> None:
    refused = folder.run("gc", "--older-than", "0", "--at-most", "2", "--yes")
    assert refused.exit_code == 4
    assert "--at-most 3" in refused.stderr
    assert folder.file("one", folder.unused).exists()


def test_without_a_majority_of_the_state_nothing_goes(folder: Folder) -> None:
    for name in ("two", "three"):
        shutil.rmtree(folder.path / name)
        (folder.path / name).write_text("no folder")
    refused = folder.run("gc", "--older-than", "0", "--yes")
    assert refused.exit_code in {1, 5}
    assert "2 of 3 state stores failed" in refused.stderr
    assert folder.file("one", folder.unused).exists()


def test_an_artifact_that_is_not_there_is_bad_input(folder: Folder) -> None:
    assert folder.run("verify", "zz").exit_code == 4
