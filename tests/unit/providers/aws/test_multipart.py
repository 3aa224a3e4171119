import pytest

from deployer.providers.aws.multipart import part_size
from deployer.providers.azure.store import block_size

GIBIBYTE = 1 << 30


@pytest.mark.parametrize("size", [1, GIBIBYTE, 200 * GIBIBYTE, 5 * 1024 * GIBIBYTE])
def test_parts_are_few_enough_and_not_too_large(size: int) -> None:
    part = part_size(size)
    assert -(-size // part) <= 10_000
    assert 16 << 20 <= part <= 5 * GIBIBYTE


@pytest.mark.parametrize("size", [1, GIBIBYTE, 190 * 1024 * GIBIBYTE])
def test_blocks_are_few_enough_and_not_too_large(size: int) -> None:
    block = block_size(size)
    assert -(-size // block) <= 50_000
    assert 16 << 20 <= block <= 4000 << 20
