import json
from pathlib import Path

import pytest

from deployer.artifact import read_mlmodel, scan_artifact
from deployer.artifact.mlmodel import MlModel
from deployer.errors import SourceError

COLUMNS = json.dumps([{"type": "double", "name": "width"}, {"type": "long", "name": "height"}])
TENSOR = json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 3]}}])
GOOD = f"""flavors:
  python_function: {{loader_module: mlflow.sklearn, model_path: model.pkl, env: conda.yaml}}
  sklearn: {{pickled_model: model.pkl}}
signature: {{inputs: '{COLUMNS}', outputs: '{TENSOR}'}}
"""


def read(folder: Path, text: str) -> MlModel | None:
    (folder / "model.pkl").write_bytes(b"1")
    (folder / "MLmodel").write_text(text)
    return read_mlmodel(scan_artifact(folder))


def test_flavours_and_signature_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == MlModel(
        ("python_function", "sklearn"), ("width: double", "height: long"), ("int64[-1, 3]",)
    )


def test_a_model_without_a_signature_says_nothing_of_columns(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD.partition("signature")[0])
    assert found is not None
    assert found.inputs == found.outputs == ()


def test_a_model_without_the_common_flavour_is_not_served(tmp_path: Path) -> None:
    whole, other = read(tmp_path, GOOD), read(tmp_path, GOOD.replace("python_function", "other"))
    assert whole is not None
    assert other is not None
    assert (whole.served, other.served) == (True, False)


def test_other_models_have_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"1")
    assert read_mlmodel(scan_artifact(tmp_path)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD.replace("model.pkl", "gone.pkl"), "names gone.pkl"),
        ("flavors: all\n", "names no flavours"),
        (GOOD.replace(COLUMNS, "no json"), "signature that can't be read"),
        ("- a\n", "no description of a model"),
        ("{", "can't be read"),
    ],
)
def test_what_could_not_be_served_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        read(tmp_path, text)
