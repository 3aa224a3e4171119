"""What tells whether a file's bytes are still those that were scanned: CRCs of each MiB.

SHA-256 says what a file is, and costs as much as all the rest of sending it. A file that was just
read to learn it need not be hashed again to know that it did not change: any change of 64 bits in a
row shows in a CRC of 64 bits, any other escapes it once in 2^64 times. And those of a part are put
together from those of its MiBs: what a store compares with the bytes that reach it was computed
when the file's SHA-256 was.
"""

import hashlib
from array import array
from dataclasses import dataclass
from pathlib import Path

from deployer.checksums import Buffer, Crc

__all__ = ["SLICE", "Marks", "mark_file"]

SLICE = 1 << 20
"""Bytes per mark; parts of an upload are whole MiB."""

_CHECKED, _OTHER = "crc64nvme", "crc32c"
"""What S3 and Azure compare, and what Cloud Storage does."""

_WIDTHS = {_CHECKED: "Q", _OTHER: "I"}


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one file by algorithm, in order; the last ones may be of fewer bytes."""

    size: int
    values: "dict[str, array[int]]"

    def fit(self, length: int) -> bool:
        """Whether they can be told of parts of ``length`` bytes each."""
        return length % SLICE == 0 or length >= self.size

    def prove(self, offset: int, piece: Buffer) -> bool:
        """Return whether the file had these bytes at ``offset``: one slice, or a whole last one."""
        crc = Crc(_CHECKED)
        crc.update(piece)
        return crc.value == self.values[_CHECKED][offset // SLICE]

    def of_part(self, offset: int, size: int) -> dict[str, str]:
        """Return the checksums in hex of ``size`` bytes from ``offset``, which begins a slice."""
        return {name: self._join(name, offset, offset + size) for name in self.values}

    def _join(self, algorithm: str, offset: int, end: int) -> str:
        crc, values = Crc(algorithm), self.values[algorithm]
        for start in range(offset, end, SLICE):
            crc.append(values[start // SLICE], min(SLICE, end - start))
        return crc.digest().hex()


def mark_file(path: Path) -> tuple[str, Marks]:
    """Return the sha256 of a file in hex, and its marks; read once, a slice at a time.

    Raises:
        OSError: It cannot be read.
    """
    sha256, size = hashlib.sha256(), 0
    values = {name: array(width) for name, width in _WIDTHS.items()}
    with path.open("rb", buffering=SLICE) as file:
        while piece := file.read(SLICE):
            for name, marks in values.items():
                crc = Crc(name)
                crc.update(piece)
                marks.append(crc.value)
            sha256.update(piece)
            size += len(piece)
    return sha256.hexdigest(), Marks(size, values)
