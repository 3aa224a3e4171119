from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.checksums import (
    Crc32,
    Crc64Nvme,
    Hasher,
    checksum_of,
    combine_crcs,
    new_crc32c,
    new_md5,
)


@pytest.mark.parametrize(
    ("new_hasher", "digest"),
    [
        # The check values of the catalogue of parametrised CRC algorithms, and of RFC 1321.
        (Crc32, "cbf43926"),
        (new_crc32c, "e3069283"),
        (Crc64Nvme, "ae8b14860a799888"),
        (new_md5, "25f9e794323b453885f5181f1b624d0b"),
    ],
)
def test_bytes_taken_in_parts_give_the_published_value(
    new_hasher: Callable[[], Hasher], digest: str
) -> None:
    hasher = new_hasher()
    hasher.update(b"1234")
    hasher.update(b"56789")
    assert hasher.digest().hex() == digest


@pytest.mark.parametrize("algorithm", ["crc32", "crc32c", "crc64nvme"])
@given(parts=st.lists(st.binary(max_size=300), max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_crc_is_put_together_from_those_of_its_parts(algorithm: str, parts: list[bytes]) -> None:
    known = [(checksum_of(algorithm, part), len(part)) for part in parts]
    assert combine_crcs(algorithm, known) == checksum_of(algorithm, b"".join(parts))
