from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.estimate import TargetEstimate, estimate_release

Maker = Callable[..., Any]
MILLION = 1_000_000


def bill_of(estimate: TargetEstimate) -> dict[str, Decimal | None]:
    """Return the bill's amounts, each rounded to a hundredth of a cent."""
    return {
        c.name: c.monthly.amount.quantize(Decimal("0.0001")) if c.monthly else None
        for c in estimate.bill
    }


def price(bundle: Any) -> dict[str, TargetEstimate]:
    return {found.target: found for found in estimate_release(bundle)}


def test_traffic_is_shared_by_weight_and_priced_by_tier(
    make_site: Maker, make_release: Maker
) -> None:
    """500 million predictions, half of them on AWS, 100 KiB out each: 25,600 GB.

    egress: 10,240 x 0.09 + 15,360 x 0.085 = 921.60 + 1,305.60 = 2,227.20
    balancer: 0.0225 x 730 + (256 in + 25,600 out) GB x 0.006 per capacity unit and hour
        = 16.425 + 155.136 = 171.561
    """
    release = make_release(
        make_site("aws"), make_site("gcp"), predictions=500 * MILLION, response_kib=100
    )
    bill = bill_of(price(release)["aws"])
    assert bill["egress"] == Decimal("2227.2000")
    assert bill["balancer"] == Decimal("171.5610")


def test_targets_of_one_cloud_share_its_tiers(make_site: Maker, make_release: Maker) -> None:
    """The account has sent 10,200 GB; each of two targets sends 51.2 GB, one after the other.

    aws: 40 x 0.09 + 11.2 x 0.085 = 4.552; aws-two: 51.2 x 0.085 = 4.352
    """
    release = make_release(
        make_site("aws"), make_site("aws-two"), predictions=100 * MILLION, egress_used_gb=10_200
    )
    found = price(release)
    assert bill_of(found["aws"])["egress"] == Decimal("4.5520")
    assert bill_of(found["aws-two"])["egress"] == Decimal("4.3520")


def test_a_models_copies_cost_little_and_its_pushes_much(
    make_site: Maker, make_release: Maker
) -> None:
    """50 GB from AWS to two other clouds, twice a month.

    storage: S3 50 x 0.023 = 1.15; Google 50 / 1.073741824 GiB x 0.020 = 0.9313;
    Azure 50 x 0.0208 = 1.04
    pushes: 2 x 2 x 50 GB x 0.09 = 18.00, on AWS's bill alone
    """
    sites = [make_site(name) for name in ("aws", "gcp", "azure")]
    found = price(make_release(*sites, pushes=2, pushed_from="aws"))
    stored = {name: bill_of(estimate)["storage"] for name, estimate in found.items()}
    assert stored == {
        "aws": Decimal("1.1500"),
        "gcp": Decimal("0.9313"),
        "azure": Decimal("1.0400"),
    }
    assert bill_of(found["aws"])["pushes"] == Decimal("18.0000")
    assert "pushes" not in bill_of(found["gcp"])


def test_a_push_within_a_cloud_costs_what_another_region_does(
    make_site: Maker, make_release: Maker
) -> None:
    """50 GB to another region of AWS at 0.02, nothing within the same: 1.00."""
    sites = make_site("aws"), make_site("aws-two", region="us-west-2"), make_site("aws-three")
    found = price(make_release(*sites, pushes=1, pushed_from="aws"))
    assert bill_of(found["aws"])["pushes"] == Decimal("1.0000")


def test_what_is_pushed_through_nat_pays_for_that_too(
    make_site: Maker, make_release: Maker
) -> None:
    """50 GB x (0.09 + 0.045) = 6.75; the gateway itself 0.045 x 730 = 32.85."""
    release = make_release(
        make_site("aws"), make_site("gcp"), pushes=1, pushed_from="aws", nat=True
    )
    bill = bill_of(price(release)["aws"])
    assert (bill["pushes"], bill["nat"]) == (Decimal("6.7500"), Decimal("32.8500"))


def test_logs_without_a_price_are_unknown_and_make_the_total_partial(
    make_site: Maker, make_release: Maker
) -> None:
    (found,) = estimate_release(make_release(make_site("aws"), predictions=1, log_kib=1))
    assert bill_of(found)["logs"] is None
    assert found.partial


def test_a_new_release_beside_the_old_costs_machines_for_a_while(
    make_site: Maker, make_release: Maker
) -> None:
    """6 replicas on 2 machines, 12 on 4: 2 x 0.192 x (600 + 60) s / 3,600 x 3 pushes = 0.2112."""
    (found,) = estimate_release(make_release(make_site("aws", replicas=6), pushes=3, size=1))
    assert bill_of(found)["surge"] == Decimal("0.2112")


def test_rolling_needs_room_for_its_surge_alone(make_site: Maker, make_release: Maker) -> None:
    """6 replicas and 25 % of them, rounded up: 8 need a third machine: 0.192 x 600 / 3,600."""
    release = make_release(make_site("aws", replicas=6), pushes=1, size=1)
    config = release.config | {"strategy": {"type": "rolling", "max_surge": "25%"}}
    (found,) = estimate_release(release.model_copy(update={"config": config}))
    assert bill_of(found)["surge"] == Decimal("0.0320")


@pytest.mark.parametrize(
    ("kind", "expected"), [("LoadBalancer", Decimal("0.0128")), ("ClusterIP", None)]
)
def test_a_canary_has_a_load_balancer_of_its_own_for_a_while(
    make_site: Maker, make_release: Maker, kind: str, expected: Decimal | None
) -> None:
    """(600 + 3 x 120 + 60) s / 3,600 of a balancer at 0.0225 an hour, twice a month; and as long
    the machines: 2 x 0.192 x 1,020 s / 3,600 x 2.
    """
    service = {"kind": "Service", "spec": {"type": kind}}
    site = make_site("aws", replicas=6, canary=(service,))
    release = make_release(site, pushes=2, size=1)
    config = release.config | {"strategy": {"type": "canary"}}
    (found,) = estimate_release(release.model_copy(update={"config": config}))
    assert bill_of(found).get("canary") == expected
    assert bill_of(found)["surge"] == Decimal("0.2176")


def test_survivors_scale_up_for_a_target_that_is_lost(
    make_site: Maker, make_release: Maker, scaler: Maker
) -> None:
    """Three equal targets of 3 replicas on one machine each: a survivor needs 3 / (1 - 1/3) = 4.5,
    so 5, and one more machine. Dearest is to lose aws or azure, at 0.192 each, as gcp's machine
    costs 0.194236; the first by name counts, and 10 h of it on the two others.
    """
    more = {"replicas": 3, "objects": (scaler(9),)}
    sites = [
        make_site("aws", **more),
        make_site("gcp", **more),
        make_site("azure", region="eastus", **more),
    ]
    found = price(make_release(*sites, outage_hours=10))
    assert bill_of(found["gcp"])["failover"] == Decimal("1.9424")
    assert bill_of(found["azure"])["failover"] == Decimal("1.9200")
    assert "failover" not in bill_of(found["aws"])


def test_without_an_autoscaler_nothing_starts_when_a_target_is_lost(
    make_site: Maker, make_release: Maker
) -> None:
    found = price(make_release(make_site("aws"), make_site("gcp"), outage_hours=10))
    assert "failover" not in bill_of(found["aws"])


def test_one_target_alone_has_nobody_to_take_over(
    make_site: Maker, make_release: Maker, scaler: Maker
) -> None:
    (found,) = estimate_release(
        make_release(make_site("aws", objects=(scaler(9),)), outage_hours=10)
    )
    assert "failover" not in bill_of(found)


def test_disks_for_the_model_are_one_per_replica(make_site: Maker, make_release: Maker) -> None:
    """2 x 100 GiB = 214.748 GB of gp3 at 0.08: 17.1799."""
    claim = {"spec": {"resources": {"requests": {"storage": "100Gi"}}}}
    volumes = [{"name": "model", "ephemeral": {"volumeClaimTemplate": claim}}, {"name": "tmp"}]
    deployment = {"kind": "Deployment", "spec": {"template": {"spec": {"volumes": volumes}}}}
    (found,) = estimate_release(make_release(make_site("aws", objects=(deployment,))))
    assert bill_of(found)["disks"] == Decimal("17.1799")


@pytest.mark.parametrize("most", [2, 4, 9])
def test_the_most_is_never_less_than_the_least(
    make_site: Maker, make_release: Maker, scaler: Maker, most: int
) -> None:
    (found,) = estimate_release(make_release(make_site("aws", objects=(scaler(most),))))
    assert found.known_most.amount >= found.known.amount
    assert (found.replicas, found.max_replicas) == (2, most)


@given(
    predictions=st.integers(0, 10**10),
    replicas=st.integers(0, 30),
    response_kib=st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_more_traffic_and_more_replicas_never_cost_less(
    make_site: Maker, make_release: Maker, predictions: int, replicas: int, response_kib: int
) -> None:
    def total(count: int, asked: int) -> Decimal:
        release = make_release(
            make_site("aws", replicas=count), predictions=asked, response_kib=response_kib
        )
        (found,) = estimate_release(release)
        return found.known.amount

    assert total(replicas, predictions) <= total(replicas + 1, predictions)
    assert total(replicas, predictions) <= total(replicas, predictions + MILLION)
