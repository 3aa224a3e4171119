"""What a pickle calls, found by going through it with nothing behind the names.

Every name that a pickle asks for is noted and answered with a stand-in that does nothing, whatever
is done to it; so no code of the pickle's runs. That follows joblib's files, too, which static
scanners cannot: they have the bytes of arrays between a pickle's instructions (joblib,
``numpy_pickle.py``), and may be compressed as a whole.
"""

import bz2
import gzip
import lzma
import math
import pickle
import re
import struct
import zlib
from collections.abc import Callable
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, ClassVar, Self, cast

from deployer.errors import SetupError

__all__ = ["find_globals"]

_SKIPPED = 1 << 20
_DTYPE = re.compile(r"[|<>=]?([a-zA-Z])(\d*)")
_WIDE = {"U": 4}
"""Bytes per unit of a NumPy type string where they are not one: characters are UCS-4."""


_BROKEN = (
    pickle.UnpicklingError,
    struct.error,
    zlib.error,
    RuntimeError,
    lzma.LZMAError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NameError,
    TypeError,
    ValueError,
)
"""How a reader of pickles breaks on what is none: in any way that Python knows."""


class _Stub:
    """Stands in for whatever was asked for; takes everything, does nothing."""

    def __new__(cls, *_args: object, **_named: object) -> Self:
        return object.__new__(cls)

    def __init__(self, *args: object, **_named: object) -> None:
        self.args = args
        self.state: Any = None

    def __call__(self, *_args: object, **_named: object) -> "_Stub":
        return _Stub()

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, key: object, value: object) -> None:
        """Do nothing."""

    def append(self, value: object) -> None:
        """Do nothing."""

    add = append


class _Array(_Stub):
    """Stands in for joblib's word for an array, whose bytes come next in the file."""


def find_globals(path: Path) -> set[tuple[str, str]]:
    """Return every name that loading the file would ask for, as module and name.

    Raises:
        ValueError: It is no pickle that can be gone through to its end.
        SetupError: It is compressed with LZ4, and the package for that is not installed.
        OSError: It cannot be read.
    """
    found: set[tuple[str, str]] = set()
    with path.open("rb") as raw:
        file = _open(raw)
        try:
            while file.peek(1):
                _Look(file, found).load()
        except _BROKEN as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise ValueError(str(error)) from error  # gzip and bz2 say so of damage
    return found


_PythonUnpickler = pickle._Unpickler  # noqa: SLF001 - its C twin can't be told what an instruction does

_DISPATCH: dict[int, Any] = dict(_PythonUnpickler.dispatch)


class _Look(_PythonUnpickler):
    stack: list[Any]
    dispatch: ClassVar[dict[int, Any]] = dict(_DISPATCH)

    def __init__(self, file: BufferedReader, found: set[tuple[str, str]]) -> None:
        super().__init__(file)
        self._handle = file
        self._found = found

    def find_class(self, module: str, name: str) -> type[_Stub]:
        self._found.add((module, name))
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return type("_Array", (_Array,), {})
        return type("_Stub", (_Stub,), {})

    def persistent_load(self, _name: object) -> _Stub:
        return _Stub()

    def get_extension(self, code: int) -> None:
        raise ValueError(f"it asks for extension {code} of whoever loads it")

    def _build(self) -> None:
        _DISPATCH[pickle.BUILD[0]](self)
        made = self.stack[-1]
        if isinstance(made, _Array):
            self._pass_array(made.state)
            self.stack[-1] = _Stub()

    dispatch[pickle.BUILD[0]] = _build

    def _pass_array(self, state: dict[str, Any]) -> None:
        kind, size = _read_dtype(state["dtype"])
        if kind == "O":
            _Look(self._handle, self._found).load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            _skip(self._handle, _skip(self._handle, 1)[0])
        _skip(self._handle, size * math.prod(state["shape"]))


def _read_dtype(dtype: _Stub) -> tuple[str, int]:
    """Return a NumPy type's letter and its bytes, from what it is pickled as."""
    match = _DTYPE.fullmatch(str(dtype.args[0]))
    if match is None:
        raise ValueError(f"unknown type {dtype.args[0]!r}")
    return match[1], int(match[2] or 1) * _WIDE.get(match[1], 1)


def _skip(file: BufferedReader, count: int) -> bytes:
    """Pass over bytes; return the last of them."""
    last = b""
    while count:
        last = file.read(min(count, _SKIPPED))
        if not last:
            raise ValueError("an array is cut off")
        count -= len(last)
    return last


class _Inflated(RawIOBase):
    """The bytes of a zlib stream."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._zlib = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._zlib.eof:
            source = self._zlib.unconsumed_tail or self._file.read(_SKIPPED)
            if not source:
                raise ValueError("it is cut off")
            data = self._zlib.decompress(source, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
        return 0


def _open_lz4(file: IO[bytes]) -> Any:
    try:
        from lz4.frame import LZ4FrameFile  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError(
            f"{file.name} is compressed with LZ4, and looking into that needs a package that is "
            "not installed",
            hint="pip install 'deployer[scan]', or pip install lz4",
        ) from error
    return LZ4FrameFile(file)


_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZ", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"\x5d\x00\x00", lzma.LZMAFile),
    (b"\x78", _Inflated),
    (b"\x04\x22\x4d\x18", _open_lz4),
)
"""What joblib compresses with, by the first bytes."""


def _open(file: BufferedReader) -> BufferedReader:
    start = file.peek(8)
    for magic, opener in _OPENERS:
        if start.startswith(magic):
            return BufferedReader(cast("RawIOBase", opener(file)))
    return file
