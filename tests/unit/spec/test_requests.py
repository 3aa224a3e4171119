import json
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import SpecError
from deployer.spec import Spec, load_requests, load_spec

SPEC = """\
name: iris
model: {path: ./model}
targets:
  - {name: here, provider: local, store: "file:///models", cluster: {local: ./cluster}}
"""
REQUEST = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1.0]}]}


def make_spec(folder: Path, document: Any, *, raw: str | None = None) -> Spec:
    (folder / "examples.json").write_text(raw if raw is not None else json.dumps(document))
    (folder / "deployer.yaml").write_text(SPEC + "gates: {smoke: {requests: examples.json}}\n")
    return load_spec(folder / "deployer.yaml", environment={})


def test_a_spec_without_requests_has_none(tmp_path: Path) -> None:
    (tmp_path / "deployer.yaml").write_text(SPEC)
    assert load_requests(load_spec(tmp_path / "deployer.yaml", environment={})) == ()


def test_requests_are_read_relative_to_the_spec(tmp_path: Path) -> None:
    with_answer = {**REQUEST, "expect": [{"name": "predict", "data": [0]}]}
    assert load_requests(make_spec(tmp_path, [REQUEST, with_answer])) == (REQUEST, with_answer)


@pytest.mark.parametrize("raw", ["", "{", "\x00"])
def test_what_is_not_json_is_refused(tmp_path: Path, raw: str) -> None:
    with pytest.raises(SpecError, match="the smoke requests cannot be read"):
        load_requests(make_spec(tmp_path, None, raw=raw))


def test_a_missing_file_is_refused_and_named(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, [REQUEST])
    (tmp_path / "examples.json").unlink()
    with pytest.raises(SpecError, match=r"examples\.json"):
        load_requests(spec)


@pytest.mark.parametrize("document", [{}, [], "x", None])
def test_no_list_of_requests_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(SpecError, match="expected a list"):
        load_requests(make_spec(tmp_path, document))


def test_every_fault_is_listed_with_its_place(tmp_path: Path) -> None:
    document = [
        REQUEST,
        {"input": []},
        {**REQUEST, "expect": [{"name": "predict"}]},
        {**REQUEST, "expect": [{"data": [1]}]},
    ]
    with pytest.raises(SpecError) as raised:
        load_requests(make_spec(tmp_path, document))
    assert [fault.path for fault in raised.value.faults] == ["[1]", "[2]", "[3]"]
