from pathlib import Path

import pytest

from deployer.artifact import scan_artifact
from deployer.cli.model_notes import list_model_notes
from deployer.spec import load_spec


@pytest.mark.parametrize(
    ("files", "more", "notes"),
    [
        (["model.onnx"], "", []),
        (["model.pkl"], "", ["model.pkl: a pickle runs code"]),
        (["a.pkl", "b.pkl", "c.pkl", "d.pkl"], "", ["a.pkl, b.pkl, c.pkl and 1 more: "]),
        (["model.pkl"], ", scan: required", ["it was looked into."]),
        (["model.onnx"], ", signer: key.pub", ["no signature"]),
        (["model.onnx", "model.sig"], "", ["model.sig was not verified: name whose it is"]),
        (["model.onnx", "model.sig"], ", signer: key.pub", ["signed with key.pub"]),
    ],
)
def test_a_plan_says_what_loading_runs_and_who_signed(
    tmp_path: Path, files: list[str], more: str, notes: list[str]
) -> None:
    (tmp_path / "m").mkdir()
    for name in files:
        (tmp_path / "m" / name).write_bytes(b"1")
    (tmp_path / "key.pub").write_bytes(b"-----BEGIN PUBLIC KEY-----")
    spec = tmp_path / "deployer.yaml"
    spec.write_text(
        f"name: iris\nmodel: {{path: m{more}}}\n"
        "targets: [{name: here, provider: local, store: 'file:///x', cluster: {local: c}}]\n"
    )
    found = list_model_notes(load_spec(spec), scan_artifact(tmp_path / "m"))
    assert len(found) == len(notes)
    for wanted, note in zip(notes, found, strict=True):
        assert wanted in note
