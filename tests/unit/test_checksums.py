import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.checksums import checksum_of, combine_crcs, new_hasher


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        # The check values of the catalogue of parametrised CRC algorithms, and of RFC 1321.
        ("crc32", "cbf43926"),
        ("crc32c", "e3069283"),
        ("crc64nvme", "ae8b14860a799888"),
        ("md5", "25f9e794323b453885f5181f1b624d0b"),
    ],
)
def test_bytes_taken_in_parts_give_the_published_value(algorithm: str, digest: str) -> None:
    hasher = new_hasher(algorithm)
    hasher.update(b"1234")
    hasher.update(b"56789")
    assert hasher.digest().hex() == digest


@pytest.mark.parametrize("algorithm", ["crc32", "crc32c", "crc64nvme"])
@given(parts=st.lists(st.binary(max_size=300), max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_crc_is_put_together_from_those_of_its_parts(algorithm: str, parts: list[bytes]) -> None:
    known = [(checksum_of(algorithm, part), len(part)) for part in parts]
    assert combine_crcs(algorithm, known) == checksum_of(algorithm, b"".join(parts))
