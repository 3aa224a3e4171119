from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.errors import RolloutError
from deployer.plan.retention import Retention, decide_retention, find_beside
from deployer.ports import ObjectRef
from deployer.ports.applyset import MEMBER_LABEL
from deployer.release.records import Bundle, TargetBundle
from deployer.snapshot import TargetSnapshot

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS = {"deployer/name": "iris", MEMBER_LABEL: "applyset-of-iris"}


def item(kind: str, name: str, release: int | None = None, **spec: Any) -> dict[str, Any]:
    labels = OURS | ({"deployer/release": str(release)} if release is not None else {})
    api = {"Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2"}.get(kind, "v1")
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def objects(
    release: int,
    config: str = "a",
    *,
    replicas: int = 1,
    scaled: bool = False,
    shared: bool = False,
) -> tuple[dict[str, Any], ...]:
    """What a release has of its own, with the ConfigMap that it names and perhaps shares."""
    workload = "iris" if shared else f"iris-r{release}"
    scaler = item("HorizontalPodAutoscaler", workload, release, scaleTargetRef={"name": workload})
    return (
        item("ConfigMap", f"iris-{config}"),
        item("Service", f"iris-r{release}", release),
        item("Deployment", workload, release, replicas=replicas),
        *([scaler] if scaled else []),
    )


@pytest.fixture
def releases(make_part: Any, make_bundle: Any) -> Any:
    """Return a maker of releases from what each has: their bundles, by number."""

    def make(**parts: tuple[dict[str, Any], ...]) -> dict[int, Bundle]:
        return {
            (number := int(key[1:])): make_bundle(
                number,
                make_part(
                    "aws",
                    objects=found,
                    shift=item("Service", "iris"),
                    workload=next(it for it in found if it["kind"] == "Deployment")["metadata"][
                        "name"
                    ],
                ),
            )
            for key, found in parts.items()
        }

    return make


def part_of(bundles: Mapping[int, Bundle], number: int) -> TargetBundle:
    part = bundles[number].target("aws")
    assert part is not None
    return part


def decide(
    bundles: Mapping[int, Bundle],
    number: int,
    *live: dict[str, Any],
    trusted: set[int],
    history: int = 2,
) -> Retention:
    found = TargetSnapshot("aws", NOW, live=live)
    part = part_of(bundles, number)
    return decide_retention(part, found, bundles, trusted=trusted, history=history)


def names(retention: Retention) -> list[str]:
    return [str(ref) for ref in retention.removed]


def test_the_newest_trusted_releases_rest_and_the_others_go(releases: Any) -> None:
    one, two, three = objects(1), objects(2), objects(3)
    bundles = releases(r1=one, r2=two, r3=three, r4=objects(4))
    found = decide(bundles, 4, *one, *two, *three, trusted={1, 2, 3})
    assert found.resting == {3: "iris-r3", 2: "iris-r2"}
    assert names(found) == ["Deployment/iris-r1", "Service/iris-r1"]


def test_a_release_that_no_rollback_may_lead_to_goes_whole(releases: Any) -> None:
    one, two = objects(1), objects(2, "b", scaled=True)
    bundles = releases(r1=one, r2=two, r3=objects(3))
    found = decide(bundles, 3, *one, *two, trusted={1})
    assert found.resting == {1: "iris-r1"}
    assert names(found) == [
        "HorizontalPodAutoscaler/iris-r2",
        "Deployment/iris-r2",
        "ConfigMap/iris-b",
        "Service/iris-r2",
    ]


def test_a_config_map_goes_with_the_last_release_that_names_it(releases: Any) -> None:
    one, two = objects(1, "a"), objects(2, "b")
    fence = item("ConfigMap", "iris-deployer")
    fence["metadata"]["labels"] = {"deployer/name": "iris"}
    live = (*one, *two, fence)
    shared = releases(r1=one, r2=two, r3=objects(3, "a"))
    assert names(decide(shared, 3, *live, trusted={1, 2}, history=1))[-1] == "Service/iris-r1"
    assert "ConfigMap/iris-a" not in names(decide(shared, 3, *live, trusted={1, 2}, history=1))
    alone = releases(r1=one, r2=two, r3=objects(3, "c"))
    found = decide(alone, 3, *live, trusted={1, 2}, history=1)
    assert names(found) == ["Deployment/iris-r1", "ConfigMap/iris-a", "Service/iris-r1"]


def test_a_release_whose_record_is_lost_goes_whole(releases: Any) -> None:
    one = objects(1, "a")
    found = decide(releases(r2=objects(2, "b")), 2, *one, trusted={1})
    assert names(found) == ["Deployment/iris-r1", "ConfigMap/iris-a", "Service/iris-r1"]
    assert not found.resting


def test_what_takes_much_else_with_it_is_never_removed(releases: Any) -> None:
    live = [item(kind, "iris", 1) for kind in ("Namespace", "PersistentVolume")]
    assert decide(releases(r2=objects(2)), 2, *live, trusted=set()) == Retention()


def test_a_release_without_objects_is_refused_before_it_takes_all_others_with_it(
    releases: Any,
) -> None:
    bundles = releases(r2=objects(2))
    part = part_of(bundles, 2).model_copy(update={"objects": ()})
    found = TargetSnapshot("aws", NOW, live=objects(1))
    with pytest.raises(RolloutError, match="would delete all 3"):
        decide_retention(part, found, bundles, trusted=set(), history=2)
    nothing = TargetSnapshot("aws", NOW)
    assert decide_retention(part, nothing, bundles, trusted=set(), history=2) == Retention()


def test_what_rests_already_is_left_alone_unless_something_would_scale_it(releases: Any) -> None:
    resting = objects(1, replicas=0)
    bundles = releases(r1=objects(1, scaled=True), r2=objects(2))
    assert decide(bundles, 2, *resting, trusted={1}) == Retention()
    scaler = objects(1, scaled=True)[-1]
    assert decide(bundles, 2, *resting, scaler, trusted={1}).resting == {1: "iris-r1"}


def test_a_deployment_that_releases_share_is_never_scaled_down_for_one_of_them(
    releases: Any,
) -> None:
    """Release 1 left its Service behind; the Deployment that it named is release 2's by now."""
    left, live = objects(1, shared=True)[1], objects(2, "b", shared=True)
    bundles = releases(
        r1=objects(1, shared=True), r2=live, r3=objects(3, shared=True), r4=objects(4)
    )
    in_place = decide(bundles, 3, left, *live, trusted={1, 2})
    assert not in_place.resting
    assert names(in_place) == ["ConfigMap/iris-b", "Service/iris-r1", "Service/iris-r2"]
    beside = decide(bundles, 4, left, *live, trusted={1, 2})
    assert beside.resting == {2: "iris"}
    assert names(beside) == ["Service/iris-r1"]


def test_a_release_beside_has_a_deployment_of_its_own(releases: Any) -> None:
    bundles = releases(r1=objects(1), r2=objects(2), r3=objects(3, shared=True))
    live = (*objects(1), objects(2)[1], *objects(3, shared=True))
    found = TargetSnapshot("aws", NOW, live=live)
    assert find_beside(part_of(bundles, 2), found, bundles) == (1, 3)
    assert find_beside(part_of(bundles, 3), found, bundles) == (1,)


CONFIGS = st.sampled_from("abc")
HAVES = st.lists(st.tuples(CONFIGS, st.booleans(), st.booleans()), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(haves=HAVES, history=st.integers(0, 4))
def test_nothing_that_a_kept_release_names_is_removed_and_nothing_else_of_ours_stays(
    make_part: Any, make_bundle: Any, haves: Any, history: int
) -> None:
    """Whatever was verified, at rest or shared before."""
    made = {n: objects(n, config) for n, (config, _, _) in enumerate(haves, start=1)}
    new = len(made) + 1
    bundles = {
        number: make_bundle(
            number,
            make_part(
                "aws", objects=found, shift=item("Service", "iris"), workload=f"iris-r{number}"
            ),
        )
        for number, found in [*made.items(), (new, objects(new, "a"))]
    }
    live = {
        ObjectRef.of(it): it
        for number, (config, _, rests) in enumerate(haves, start=1)
        for it in objects(number, config, replicas=0 if rests else 1)
    }
    trusted = {number for number, (_, good, _) in enumerate(haves, start=1) if good}
    found = decide(bundles, new, *live.values(), trusted=trusted, history=history)
    kept = sorted(trusted, reverse=True)[:history]
    needed = {ObjectRef.of(it) for n in (*kept, new) for it in part_of(bundles, n).objects}
    assert set(found.removed) == live.keys() - needed
    assert set(found.resting) == {number for number in kept if not haves[number - 1][2]}
