"""Pickles among a model's files: loading one runs whatever its writer put into it.

`pickle` calls any function a file names (Python's documentation, "Restricting globals"). picklescan
knows dangerous names; which ones a file names is read without loading anything. That none of them
is known is no proof.
"""

import io
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from deployer.artifact.model import Artifact
from deployer.artifact.unpickled import find_globals
from deployer.errors import IntegrityError, SetupError, SourceError

__all__ = ["find_pickles", "screen_pickles"]

_SUFFIXES = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".dill"}
_STREAMS = {".pkl", ".pickle", ".joblib", ".dill"}
"""Those that are gone through from end to end; PyTorch's are archives with pickles in them."""

_COMPRESSED = {".z", ".gz", ".bz2", ".xz", ".lzma", ".lz4"}
"""Endings by which joblib chooses how to compress ("Compressed joblib pickles")."""

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
        SourceError: One can't be looked into: it is damaged.
    """
    found = find_pickles(file.path for file in artifact.files)
    if found:
        scanner = _load_scanner()
        for path in found:
            _screen(scanner, artifact.root / path)
    return found


def _is_pickle(path: PurePosixPath) -> bool:
    return _suffix(path) in _SUFFIXES or path.name in _NAMES


def _suffix(path: PurePosixPath | Path) -> str:
    """Return what the file is by its name, under what it is compressed with."""
    shown = path.with_suffix("") if path.suffix.lower() in _COMPRESSED else path
    return shown.suffix.lower()


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
    _refuse_harmful(path, found.globals)
    if _suffix(path) in _STREAMS:
        _refuse_harmful(path, _look_through(scanner, path).globals)
    elif found.scan_err or not found.globals:
        raise _hidden(path)


def _look_through(scanner: Any, path: Path) -> Any:
    """Have the names judged that a pickle would ask for: as those of a pickle that does no more."""
    try:
        names = sorted(find_globals(path))
    except ValueError as error:
        raise _hidden(path) from error
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
    asking = b"".join(b"c%b\n%b\n0" % (module.encode(), name.encode()) for module, name in names)
    return scanner.scan_pickle_bytes(io.BytesIO(asking + b"N."), str(path))


def _refuse_harmful(path: Path, names: Iterable[Any]) -> None:
    harmful = sorted(f"{one.module}.{one.name}" for one in names if one.safety.value == "dangerous")
    if harmful:
        raise IntegrityError(
            f"{path} is a pickle that calls {', '.join(harmful)} when it is loaded",
            hint="Do not load it, and ask where it comes from.",
        )


def _hidden(path: Path) -> SourceError:
    return SourceError(f"{path} is a pickle that can't be looked into", hint=_HINT)
