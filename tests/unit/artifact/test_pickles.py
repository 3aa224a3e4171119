import os
import pickle
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact.pickles import find_pickles, screen_pickles
from deployer.artifact.scan import scan_artifact
from deployer.errors import IntegrityError, SourceError

pytest.importorskip("picklescan")


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def write(folder: Path, name: str, body: bytes) -> Any:
    (folder / name).write_bytes(body)
    return scan_artifact(folder)


def test_pickles_are_known_by_their_names() -> None:
    paths = ["a/model.onnx", "b/model.PKL", "model.joblib", "pytorch_model.bin", "weights.bin"]
    assert find_pickles(paths) == ("b/model.PKL", "model.joblib", "pytorch_model.bin")


def test_a_pickle_of_plain_classes_passes(tmp_path: Path) -> None:
    artifact = write(tmp_path, "model.pkl", pickle.dumps(OrderedDict(a=1)))
    assert screen_pickles(artifact) == ("model.pkl",)


def test_a_pickle_that_runs_a_command_is_refused_by_what_it_calls(tmp_path: Path) -> None:
    artifact = write(tmp_path, "model.pkl", pickle.dumps({"model": Harmful()}))
    with pytest.raises(IntegrityError, match=r"calls posix\.system"):
        screen_pickles(artifact)


@pytest.mark.parametrize(
    "body", [zlib.compress(pickle.dumps(Harmful())), pickle.dumps(OrderedDict(a=1))[:-9], b"xx"]
)
def test_what_hides_its_content_is_refused(tmp_path: Path, body: bytes) -> None:
    artifact = write(tmp_path, "model.joblib", body)
    with pytest.raises((SourceError, IntegrityError)):
        screen_pickles(artifact)


def test_a_model_without_pickles_needs_no_look(tmp_path: Path) -> None:
    assert screen_pickles(write(tmp_path, "model.onnx", b"onnx")) == ()
