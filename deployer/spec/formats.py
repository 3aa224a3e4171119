"""Which format a model has, by the names of its files."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from deployer.errors import SpecError
from deployer.spec.library import find_runtime, load_runtime
from deployer.spec.model import Spec
from deployer.spec.service import RuntimeSpec

__all__ = ["guess_format", "settle_format"]

_NAMES = {
    "saved_model.pb": "tensorflow",
    "MLmodel": "mlflow",
    "model.savedmodel": "tensorflow",
    "pytorch_model.bin": "huggingface",
}
_SUFFIXES = {
    ".joblib": "sklearn",
    ".pkl": "sklearn",
    ".pickle": "sklearn",
    ".onnx": "onnx",
    ".bst": "xgboost",
    ".ubj": "xgboost",
    ".cbm": "catboost",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".safetensors": "huggingface",
    ".keras": "tensorflow",
}


def guess_format(files: Iterable[str]) -> str | None:
    """Return the format of a model with these files, or None when they do not say one."""
    paths = [PurePosixPath(file) for file in files]
    # A name that frameworks reserve says more than a suffix: an MLflow model holds a pickle too.
    named = [_NAMES[path.name] for path in paths if path.name in _NAMES]
    by_suffix = {_SUFFIXES[path.suffix] for path in paths if path.suffix in _SUFFIXES}
    if named:
        return named[0]
    return by_suffix.pop() if len(by_suffix) == 1 else None


def settle_format(spec: Spec, files: Iterable[str]) -> str | None:
    """Return the model's format, once it is sure that the runtime can serve these files.

    Args:
        files: Relative paths with ``/``, as in the artifact. None of them is opened.

    Raises:
        SpecError: The runtime does not serve this format, or finds no file it would load.
    """
    names = tuple(files)
    if isinstance(spec.runtime, RuntimeSpec):
        return spec.model.format or guess_format(names)
    formats = load_runtime(find_runtime(spec.runtime, spec.folder)).formats
    model_format = spec.model.format or _served(formats, names) or guess_format(names)
    if model_format is None:
        return None
    if model_format not in formats:
        served = ", ".join(sorted(formats))
        raise _mismatch(spec, f"{spec.runtime} serves {served}, not {model_format}")
    wanted = formats[model_format]
    if wanted and not set(wanted).intersection(names):
        raise _mismatch(spec, f"{spec.runtime} needs a file called {' or '.join(wanted)}")
    return model_format


def _served(formats: Mapping[str, Collection[str]], names: Collection[str]) -> str | None:
    """Return the format whose file is there: the runtime knows what it takes ``model.bst`` for."""
    found = [name for name, wanted in formats.items() if set(wanted).intersection(names)]
    return found[0] if len(found) == 1 else None


def _mismatch(spec: Spec, message: str) -> SpecError:
    return SpecError(
        f"{spec.model.path} cannot be served: {message}",
        file=spec.file,
        hint="Rename the file, set model.format, or choose another runtime.",
    )
