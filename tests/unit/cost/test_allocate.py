from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.allocatable import Room, room_on
from deployer.cost.allocate import Allocation, Demand, allocate_hour
from deployer.cost.sizing import Size
from deployer.cost.weights import OPENCOST, SCAD, WEIGHT_SETS, WeightSet, rate_units, share_of
from deployer.values import Cloud, Money

XLARGE = Size(Decimal(4), Decimal(16))
G5 = Size(Decimal(4), Decimal(16), 1)
CENT = Decimal("0.0001")
AMOUNTS = st.decimals("0", "40", places=2)


def allocate(
    price: str, machine: Size, demand: Demand, weights: WeightSet = SCAD, nodes: int = 1
) -> Allocation:
    room = Room(machine, 110)
    return allocate_hour(
        Money(Decimal(price)), machine, room, nodes, demand=demand, weights=weights
    )


def rounded(money: Money) -> Decimal:
    return money.amount.quantize(CENT)


def test_an_hour_of_each_unit_is_its_weight_of_the_price() -> None:
    """m6i.xlarge at 0.192: 4 x 9 + 16 x 1 = 52; a vCPU 9/52 x 0.192 = 0.0332, a GiB 0.0037."""
    rates = rate_units(Money(Decimal("0.192")), XLARGE)
    assert (rounded(rates.vcpu), rounded(rates.memory_gib)) == (
        Decimal("0.0332"),
        Decimal("0.0037"),
    )
    assert rates.gpu.amount == 0


def test_a_gpu_is_most_of_its_machine_and_how_much_depends_on_the_weights() -> None:
    """g5.xlarge: 9/14.2 = 63 %; by OpenCost's 0.95/(0.95 + 4 x 0.031611 + 16 x 0.004237) = 83 %."""
    gpu = Size(Decimal(0), Decimal(0), 1)
    assert round(share_of(G5, gpu, SCAD), 2) == Decimal("0.63")
    assert round(share_of(G5, gpu, OPENCOST), 2) == Decimal("0.83")
    assert set(WEIGHT_SETS) == {"scad", "opencost"}


def test_what_is_asked_for_is_allocated_and_the_rest_is_idle() -> None:
    """Two of 1 vCPU and 1 GiB: 2 x 9/52 x 0.192 = 0.0665; 2 x 1/52 x 0.192 = 0.0074;
    idle 0.192 x 32/52 = 0.1182.
    """
    found = allocate("0.192", XLARGE, Demand(Size(Decimal(1), Decimal(1)), 2))
    assert (rounded(found.vcpu), rounded(found.memory)) == (Decimal("0.0665"), Decimal("0.0074"))
    assert (rounded(found.idle), found.overhead.amount) == (Decimal("0.1182"), Decimal(0))


def test_the_larger_of_request_and_use_counts_resource_by_resource() -> None:
    """Used 3 vCPU of 2 asked for, 1 GiB of 2: 3 x 9/52 and 2 x 1/52 of 0.192."""
    used = Size(Decimal(3), Decimal(1))
    found = allocate("0.192", XLARGE, Demand(Size(Decimal(1), Decimal(1)), 2, used))
    assert (rounded(found.vcpu), rounded(found.memory)) == (Decimal("0.0997"), Decimal("0.0074"))


def test_more_than_there_is_becomes_all_there_is_and_is_told() -> None:
    """6 vCPU on a machine of 4: 4 x 9/52 x 0.192 = 0.1329, and no idle processors."""
    found = allocate("0.192", XLARGE, Demand(Size(Decimal(3), Decimal(8)), 2))
    assert (rounded(found.vcpu), found.idle.amount) == (Decimal("0.1329"), Decimal(0))
    assert found.excess == {"cpu": Decimal(2)}


def test_a_gpu_asked_for_where_there_is_none_costs_nothing() -> None:
    found = allocate("0.192", XLARGE, Demand(Size(Decimal(1), Decimal(1), 1), 1))
    assert found.gpu.amount == 0
    assert found.excess == {"gpu": Decimal(1)}


def test_what_the_node_keeps_is_overhead_and_not_idle() -> None:
    """Google: 0.08 vCPU and 2.697 GiB of n2-standard-4 at 0.194236: (0.72 + 2.6977)/52 of it."""
    machine = Size(Decimal(4), Decimal(16))
    found = allocate_hour(
        Money(Decimal("0.194236")),
        machine,
        room_on(Cloud.GCP, machine),
        1,
        demand=Demand(Size(Decimal(1), Decimal(1)), 2),
        weights=SCAD,
    )
    assert rounded(found.overhead) == Decimal("0.0128")
    assert found.total == Money(Decimal("0.194236"))


@given(
    cpu=AMOUNTS,
    memory=AMOUNTS,
    gpus=st.integers(0, 3),
    replicas=st.integers(0, 9),
    nodes=st.integers(0, 4),
    used=st.none() | st.builds(Size, AMOUNTS, AMOUNTS),
    machine=st.sampled_from([XLARGE, G5]),
    weights=st.sampled_from([SCAD, OPENCOST]),
    cloud=st.sampled_from([Cloud.AWS, Cloud.GCP, Cloud.AZURE]),
)
@settings(max_examples=120, deadline=None)
def test_the_parts_are_the_machines_price_and_none_is_negative(
    *,
    cpu: Decimal,
    memory: Decimal,
    gpus: int,
    replicas: int,
    nodes: int,
    used: Size | None,
    machine: Size,
    weights: WeightSet,
    cloud: Cloud,
) -> None:
    price = Money(Decimal("1.006"))
    found = allocate_hour(
        price,
        machine,
        room_on(cloud, machine),
        nodes,
        demand=Demand(Size(cpu, memory, gpus), replicas, used),
        weights=weights,
    )
    assert found.total.amount == pytest.approx(price.amount * nodes, abs=Decimal("1e-24"))
    parts = (found.vcpu, found.memory, found.gpu, found.idle)
    assert all(part.amount >= 0 for part in parts)
    assert found.overhead.amount >= Decimal("-1e-24")
