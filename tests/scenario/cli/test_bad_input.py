"""What a user can get wrong: exit code 4, and every fault in one go."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPEC = """\
name: iris
model: {path: model}
targets:
  - {name: here, provider: local, store: "file://store", cluster: {local: cluster}}
"""
FAULTY = """\
nmae: iris
name: Iris!
model: {path: 7}
runtime: mlserver-sklern
service: {replicas: {min: many}}
targets:
  - {name: here, provider: local, store: "file://store", cluster: {local: cluster}}
  - {name: here, provider: local, store: "file://store", cluster: {lokal: cluster}}
"""


def test_every_fault_of_a_spec_is_listed_with_its_place_and_the_nearest_word(shell: Any) -> None:
    (shell.folder / "deployer.yaml").write_text(FAULTY)
    done = shell.run("plan", expect=4)
    lines = done.err.splitlines()
    assert lines[0] == "error: deployer.yaml has 8 faults"
    assert not done.out
    for place, words in {
        "1:1: nmae": "name",
        "2:7: name": "lower-case letters",
        "3:15: model.path": "",
        "4:10: runtime": "mlserver-sklearn",
        "5:27: service.replicas.min": "",
        "8:12: targets[1].name": "two targets are called 'here'",
        "8:58: targets[1].cluster": "expected one of eks",
        "8:68: targets[1].cluster.lokal": "local",
    }.items():
        assert any(line.startswith(f"  deployer.yaml:{place}") and words in line for line in lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot read deployer.yaml"), ("name: [", "deployer.yaml:1:8: ")],
    ids=["missing", "not YAML"],
)
def test_a_spec_that_cannot_be_read_is_one_paragraph(
    shell: Any, text: str | None, words: str
) -> None:
    if text is not None:
        (shell.folder / "deployer.yaml").write_text(text)
    assert words in shell.run("deploy", expect=4).err


def _empty(folder: Path) -> None:
    folder.mkdir()


def _outward(folder: Path) -> None:
    folder.mkdir()
    (folder / "model.joblib").symlink_to("/etc/hostname")


def _unusable(folder: Path) -> None:
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.bin")).write_bytes(b"x")


def _pipe(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "model.joblib")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _folder: None, "there is no"),
        (_empty, "has no model in it: there are no files"),
        (_outward, "is a link that leads out of the model's folder"),
        (_unusable, "caf"),
        (_pipe, "is neither a file nor a folder"),
    ],
    ids=["missing", "empty", "leads out", "unusable name", "pipe"],
)
def test_a_model_that_cannot_be_deployed_is_refused_before_anything_is_touched(
    shell: Any, make: Callable[[Path], None], words: str
) -> None:
    (shell.folder / "deployer.yaml").write_text(SPEC)
    make(shell.folder / "model")
    done = shell.run("deploy", expect=4)
    assert done.err.startswith("error: ")
    assert words in done.err
    assert not (shell.folder / "store").exists()
    assert not (shell.folder / "cluster").exists()


def test_what_is_no_command_line_is_bad_input(shell: Any) -> None:
    (shell.folder / "deployer.yaml").write_text(SPEC)
    assert "No such option: --nope" in shell.run("deploy", "--nope", expect=4).err
    wrong = shell.run("status", "-o", "xml", expect=4).err
    assert "'xml' is not one of 'table', 'wide', 'json'" in wrong
    assert "Value error" not in wrong
    assert "the plan cannot be read" in shell.run("deploy", "--plan", "no", expect=4).err
    assert "is damaged" in shell.run("deploy", "--plan", "deployer.yaml", expect=4).err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        fixed = ("--backend", "a=http://127.0.0.1:9", "--listen", listen)
        assert "in use" in shell.run("router", "serve", *fixed, expect=5).err
