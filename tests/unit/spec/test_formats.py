from collections.abc import Callable

import pytest

from deployer.errors import SpecError
from deployer.spec import Spec, guess_format, settle_format

Load = Callable[..., Spec]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["model.joblib"], "sklearn"),
        (["a/b/model.pkl"], "sklearn"),
        (["model.onnx", "README.md"], "onnx"),
        (["saved_model.pb", "variables/variables.index"], "tensorflow"),
        (["MLmodel", "model.pkl"], "mlflow"),
        (["model.ubj"], "xgboost"),
        (["model.onnx", "model.joblib"], None),
        (["README.md"], None),
        ([], None),
    ],
)
def test_a_format_is_guessed_from_the_names_of_files(files: list[str], found: str | None) -> None:
    assert guess_format(files) == found


def test_a_model_that_the_runtime_can_load_is_settled(load: Load, small: str) -> None:
    assert settle_format(load(small), ["model.joblib", "labels.txt"]) == "sklearn"
    assert settle_format(load(small), ["weights.dat"]) is None


def test_a_model_of_another_format_is_refused(load: Load, small: str) -> None:
    with pytest.raises(SpecError, match="mlserver-sklearn serves sklearn, not onnx"):
        settle_format(load(small), ["model.onnx"])


def test_a_model_under_a_name_the_server_does_not_look_for_is_refused(
    load: Load, small: str
) -> None:
    with pytest.raises(SpecError, match=r"needs a file called model\.joblib or"):
        settle_format(load(small), ["iris-2026.joblib"])


def test_the_users_own_server_may_serve_anything(load: Load, small: str) -> None:
    spec = load(small + "runtime: {image: mine}\n")
    assert settle_format(spec, ["model.onnx"]) == "onnx"
