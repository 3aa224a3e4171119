from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.cost.sizing import Size, count_nodes
from deployer.cost.weights import share_of

XLARGE = Size(Decimal(4), Decimal(16))
G5 = Size(Decimal(4), Decimal(16), 1)


def size(vcpu: str, memory: str, gpus: int = 0) -> Size:
    return Size(Decimal(vcpu), Decimal(memory), gpus)


def test_the_share_of_one_replica_weighs_cpu_nine_to_one() -> None:
    """1 vCPU and 1 GiB of an m6i.xlarge: (1x9 + 1x1) / (4x9 + 16x1) = 10/52."""
    assert share_of(XLARGE, size("1", "1")) == Decimal(10) / Decimal(52)


def test_the_gpu_takes_63_percent_of_a_g5_xlarge() -> None:
    """9 / (9 + 4x0.9 + 16x0.1) = 9/14.2 = 63 %."""
    assert round(share_of(G5, size("0", "0", 1)), 2) == Decimal("0.63")


def test_a_replica_as_large_as_the_machine_takes_all_of_it() -> None:
    assert share_of(XLARGE, XLARGE) == 1
    assert share_of(G5, G5) == 1


@pytest.mark.parametrize(
    ("replica", "replicas", "nodes"),
    [
        (size("1", "1"), 4, 1),
        (size("1", "1"), 5, 2),
        (size("1", "8"), 3, 2),  # memory decides: two fit
        (size("1.5", "1"), 4, 2),  # two fit, half a vCPU stays
        (size("4", "16"), 3, 3),
        (size("1", "1"), 0, 0),
        (size("0", "0"), 7, 1),  # what asks for nothing still needs a machine
        (size("4.1", "1"), 1, None),
        (size("1", "1", 1), 1, None),  # no GPU here
    ],
)
def test_replicas_are_packed_on_whole_machines(
    replica: Size, replicas: int, nodes: int | None
) -> None:
    assert count_nodes(XLARGE, replica, replicas) == nodes


SIZES = st.builds(
    Size,
    st.decimals("0.1", "4", places=1),
    st.decimals("0.1", "16", places=1),
    st.just(0),
)


@given(SIZES, st.integers(0, 50))
def test_packing_never_undercuts_the_shares(replica: Size, replicas: int) -> None:
    nodes = count_nodes(XLARGE, replica, replicas)
    assert nodes is not None
    assert nodes >= share_of(XLARGE, replica) * replicas


@given(SIZES, st.integers(0, 50))
def test_one_more_replica_never_needs_fewer_machines(replica: Size, replicas: int) -> None:
    fewer, more = (count_nodes(XLARGE, replica, n) for n in (replicas, replicas + 1))
    assert fewer is not None
    assert more is not None
    assert fewer <= more <= fewer + 1
