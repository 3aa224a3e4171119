import os
import pickle
import subprocess
import sys
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
    paths += ["model.pkl.lz4", "model.gz", "model.csv.gz"]
    expected = ("b/model.PKL", "model.joblib", "pytorch_model.bin", "model.pkl.lz4")
    assert find_pickles(paths) == expected


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


joblib: Any = pytest.importorskip("joblib")
numpy: Any = pytest.importorskip("numpy")


def tree() -> dict[str, Any]:
    return {
        "a": numpy.arange(1000, dtype="f8").reshape(10, 100),
        "names": numpy.array(["x", "yy"]),
        "objects": numpy.array([OrderedDict(a=1), None], dtype=object),
        "flags": numpy.zeros(3, dtype=bool),
        "fields": numpy.zeros(4, dtype=[("id", "i4"), ("value", "f8")]),
        "empty": numpy.zeros((0, 4)),
    }


@pytest.mark.parametrize(
    "compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 1), ("lzma", 1), ("lz4", 1)]
)
@pytest.mark.parametrize("harmful", [False, True])
@pytest.mark.parametrize("name", ["model.joblib", "model.pkl.z"])
def test_what_joblib_writes_is_looked_through_to_its_end(
    tmp_path: Path, compress: Any, harmful: bool, name: str
) -> None:
    model = [tree(), Harmful() if harmful else 1, tree()]
    joblib.dump(model, tmp_path / name, compress=compress)
    artifact = scan_artifact(tmp_path)
    if harmful:
        with pytest.raises(IntegrityError, match=r"calls posix\.system"):
            screen_pickles(artifact)
    else:
        assert screen_pickles(artifact) == (name,)


def test_what_hides_among_objects_of_an_array_is_found(tmp_path: Path) -> None:
    joblib.dump(numpy.array([Harmful()], dtype=object), tmp_path / "model.joblib")
    with pytest.raises(IntegrityError, match=r"calls posix\.system"):
        screen_pickles(scan_artifact(tmp_path))


def test_nothing_of_a_pickle_runs_while_it_is_looked_into(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"here")

    class Removes:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.remove, (str(victim),)

    (tmp_path / "model.pkl").write_bytes(pickle.dumps([Removes(), Harmful()]))
    with pytest.raises(IntegrityError):
        screen_pickles(scan_artifact(tmp_path))
    assert victim.exists()


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_a_joblib_file_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    joblib.dump(tree(), tmp_path / "whole")
    body = (tmp_path / "whole").read_bytes()
    (tmp_path / "whole").unlink()
    with pytest.raises(SourceError, match="can't be looked into"):
        screen_pickles(write(tmp_path, "model.joblib", body[:-cut]))


def test_a_second_pickle_behind_the_first_is_looked_into(tmp_path: Path) -> None:
    body = pickle.dumps(1) + pickle.dumps(Harmful())
    with pytest.raises(IntegrityError):
        screen_pickles(write(tmp_path, "model.pkl", body))


def test_lz4_that_is_damaged_is_refused(tmp_path: Path) -> None:
    joblib.dump(tree(), tmp_path / "whole", compress=("lz4", 1))
    body = bytearray((tmp_path / "whole").read_bytes())
    (tmp_path / "whole").unlink()
    body[len(body) // 2 :] = bytes(len(body) - len(body) // 2)
    with pytest.raises(SourceError, match="can't be looked into"):
        screen_pickles(write(tmp_path, "model.pkl.lz4", bytes(body)))


def test_without_its_package_lz4_is_refused_by_name(tmp_path: Path) -> None:
    joblib.dump(tree(), tmp_path / "model.joblib", compress=("lz4", 1))
    program = f"""
import sys
sys.modules["lz4"] = None  # what the import system does for a package that is not there
from pathlib import Path
from deployer.artifact.pickles import screen_pickles
from deployer.artifact.scan import scan_artifact
from deployer.errors import SetupError
try:
    screen_pickles(scan_artifact(Path({str(tmp_path)!r})))
except SetupError as error:
    print(error.message, error.hint)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)  # noqa: PLW1510 - what it said is compared
    assert "model.joblib is compressed with LZ4" in told.stdout, told.stderr
    assert "pip install lz4" in told.stdout
