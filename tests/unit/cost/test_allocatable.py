from decimal import Decimal

import pytest

from deployer.cost.allocatable import room_on
from deployer.cost.sizing import Size, count_nodes
from deployer.values import Cloud

FOUR = Size(Decimal(4), Decimal(16))


def test_google_keeps_shares_of_processors_and_memory() -> None:
    """4 vCPU: 0.06 + 0.01 + 2 x 0.005 = 0.08; 16 GiB: 1 + 0.8 + 0.8 = 2.6, and 100 MiB."""
    room = room_on(Cloud.GCP, FOUR)
    assert room.size.vcpu == Decimal("3.92")
    assert room.size.memory_gib == Decimal("13.4") - Decimal(100) / 1024


def test_amazon_keeps_memory_for_each_pod_there_may_be() -> None:
    """58 pods: 255 + 11 x 58 = 893 MiB, and 100 MiB before pods are evicted."""
    room = room_on(Cloud.AWS, FOUR)
    assert room.pods == 58
    assert room.size.memory_gib == Decimal(16) - Decimal(993) / 1024


def test_azure_keeps_at_most_a_quarter_of_the_memory() -> None:
    """4 vCPU keep 140 m; 20 x 250 + 50 = 5,050 MiB is more than a quarter of 16 GiB."""
    room = room_on(Cloud.AZURE, FOUR)
    assert room.size.vcpu == Decimal("3.86")
    assert room.size.memory_gib == Decimal(12) - Decimal(100) / 1024


@pytest.mark.parametrize(("vcpu", "pods"), [(2, 29), (8, 58), (32, 234), (96, 737)])
def test_how_many_pods_a_node_of_amazons_takes_goes_by_its_size(vcpu: int, pods: int) -> None:
    assert room_on(Cloud.AWS, Size(Decimal(vcpu), Decimal(64))).pods == pods


def test_a_very_large_machine_of_azures_keeps_what_the_table_ends_with() -> None:
    assert room_on(Cloud.AZURE, Size(Decimal(96), Decimal(384))).size.vcpu == Decimal("95.26")


def test_of_other_clusters_nothing_is_documented() -> None:
    assert room_on(Cloud.LOCAL, FOUR).size == FOUR


def test_pods_that_ask_for_little_still_fill_a_node() -> None:
    """120 pods of 10 m fit 3.92 processors, but a node takes 58: three of them."""
    tiny = Size(Decimal("0.01"), Decimal("0.01"))
    room = room_on(Cloud.AWS, FOUR)
    assert count_nodes(room.size, tiny, 120, pods=room.pods) == 3
