"""Pickles among a model's files: loading one runs whatever its writer put into it.

`pickle` calls any function a file names (Python's documentation, "Restricting globals"). picklescan
reads which ones without loading anything. It knows dangerous names; that it finds none is no proof.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from deployer.artifact.model import Artifact
from deployer.errors import IntegrityError, SetupError, SourceError

__all__ = ["find_pickles", "screen_pickles"]

_SUFFIXES = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".dill"}
_NAMES = {"pytorch_model.bin", "training_args.bin", "optimizer.bin"}
_HINT = "Save the model in a format without code: ONNX, safetensors, skops, UBJSON."


def find_pickles(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those that are pickles by their names, in order."""
    return tuple(path for path in paths if _is_pickle(PurePosixPath(path)))


def screen_pickles(artifact: Artifact) -> tuple[str, ...]:
    """Look into every pickle of a model; return which they were, when none is dangerous.

    Raises:
        SetupError: The extra ``scan`` is not installed.
        IntegrityError: One names a function that does harm.
        SourceError: One can't be looked into: what joblib writes beside arrays, or compresses.
    """
    found = find_pickles(file.path for file in artifact.files)
    if found:
        scanner = _load_scanner()
        for path in found:
            _screen(scanner, artifact.root / path)
    return found


def _is_pickle(path: PurePosixPath) -> bool:
    return path.suffix.lower() in _SUFFIXES or path.name in _NAMES


def _load_scanner() -> Any:
    try:
        from picklescan import scanner  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError(
            "looking into pickles needs a package that is not installed",
            hint="pip install 'deployer[scan]'",
        ) from error
    return scanner


def _screen(scanner: Any, path: Path) -> None:
    found = scanner.scan_file_path(str(path))
    harmful = sorted(
        f"{one.module}.{one.name}" for one in found.globals if one.safety.value == "dangerous"
    )
    if harmful:
        raise IntegrityError(
            f"{path} is a pickle that calls {', '.join(harmful)} when it is loaded",
            hint="Do not load it, and ask where it comes from.",
        )
    if found.scan_err or not found.globals:
        raise SourceError(f"{path} is a pickle that can't be looked into", hint=_HINT)
