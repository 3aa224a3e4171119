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


def make_spec(folder: Path, document: Any, *, raw: str | None = None, more: str = "") -> Spec:
    (folder / "examples.json").write_text(raw if raw is not None else json.dumps(document))
    gate = "gates: {smoke: {requests: examples.json}}\n"
    (folder / "deployer.yaml").write_text(SPEC + gate + more)
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


BODY = {"body": {"prompt": "2 + 2 ="}}


@pytest.mark.parametrize(
    "runtime", ["vllm", "tensorflow-serving", "{image: mine, protocol: custom}"]
)
def test_other_protocols_have_requests_of_their_own(tmp_path: Path, runtime: str) -> None:
    request = {**BODY, "path": "/v1/x", "expect": [{"at": "/choices/0/text", "is": "4"}]}
    spec = make_spec(tmp_path, [BODY, request], more=f"runtime: {runtime}\n")
    assert load_requests(spec) == (BODY, request)


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        "x",
        {**BODY, "path": "v1/x"},
        {**BODY, "path": 3},
        {**BODY, "expect": [{"at": "/a"}]},
        {**BODY, "expect": [{"at": "a", "is": 1}]},
        {**BODY, "expect": ["x"]},
    ],
)
def test_a_request_that_could_not_be_sent_is_refused(tmp_path: Path, request_: Any) -> None:
    with pytest.raises(SpecError, match='"body"'):
        load_requests(make_spec(tmp_path, [request_], more="runtime: vllm\n"))
