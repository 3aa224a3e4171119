import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from deployer.errors import AccessDeniedError, TransientError
from deployer.ports import Cluster, HttpResponse, ObjectRef, Probe, Readiness, Verdict
from deployer.providers.local.clock import SystemClock
from deployer.release.records import Head
from deployer.snapshot.observe import Observation, observe_targets

Maker = Callable[..., Any]
CLOCK = SystemClock()
READY = Readiness(Verdict.READY, 2, 2)
HELLO = HttpResponse(200, b"ok", 0.01)
DENIED = AccessDeniedError("the cluster does not know us", operation="get", resource="iris")
TIMEOUT = TransientError("connect timeout", operation="probe", resource="iris")


@pytest.fixture
def black_hole() -> Iterator[Callable[[], None]]:
    """Return a call that does not come back before the test is over."""
    over = threading.Event()
    yield lambda: (over.wait(60), None)[1]
    over.set()


@pytest.fixture
def observe(
    make_part: Maker, make_bundle: Maker, make_provider: Maker
) -> Callable[..., tuple[Observation, ...]]:
    """Return an observer of release 42, live on each of the clusters it is given."""

    def observe_clusters(
        clusters: Mapping[str, Cluster],
        probe: Probe,
        *,
        endpoint: str | None = "https://iris.example",
        timeout_seconds: float = 20.0,
    ) -> tuple[Observation, ...]:
        head = Head(name="iris", desired=42, live=dict.fromkeys(clusters, 42))
        release = make_bundle(42, *(make_part(name, endpoint=endpoint) for name in clusters))
        providers = {name: make_provider(cluster) for name, cluster in clusters.items()}
        return observe_targets(
            head, {42: release}, providers, probe, CLOCK, timeout_seconds=timeout_seconds
        )

    return observe_clusters


def test_cluster_and_endpoint_are_both_asked(
    observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    cluster, probe = make_cluster(), make_probe()
    (seen,) = observe({"a": cluster}, probe)
    assert (seen.target, seen.readiness, seen.probe) == ("a", READY, HELLO)
    assert (seen.readiness_error, seen.probe_error, seen.url) == ("", "", "https://iris.example")
    assert cluster.asked == [("readiness", ObjectRef("apps/v1", "Deployment", "iris-r42"))]
    assert probe.asked == ["https://iris.example/v2/health/ready"]
    assert (seen.artifact, seen.artifact_error) == (True, "")


def test_an_endpoint_that_is_not_written_down_is_found_on_the_cluster(
    observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    probe = make_probe()
    (seen,) = observe({"a": make_cluster(endpoint="http://10.0.0.1")}, probe, endpoint=None)
    assert (seen.url, seen.probe) == ("http://10.0.0.1", HELLO)


def test_a_service_without_an_address_is_asked_through_its_cluster(
    observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    cluster, probe = make_cluster(), make_probe()
    (seen,) = observe({"a": cluster}, probe, endpoint=None)
    assert seen.url == "service iris through the cluster"
    assert ("call", "iris", "/v2/health/ready") in cluster.asked
    assert not probe.asked


def test_errors_become_reasons_and_the_other_sight_stays(
    observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    (seen,) = observe({"a": make_cluster(readiness=DENIED)}, make_probe())
    assert (seen.readiness, seen.readiness_error) == (None, "the cluster does not know us")
    assert seen.probe == HELLO
    (seen,) = observe({"a": make_cluster()}, make_probe(TIMEOUT))
    assert seen.readiness == READY
    assert (seen.probe, seen.probe_error) == (None, "connect timeout")
    assert seen.url == "https://iris.example"


def test_an_endpoint_that_could_not_be_asked_has_no_url(
    observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    (seen,) = observe({"a": make_cluster(endpoint=DENIED)}, make_probe(), endpoint=None)
    assert (seen.probe, seen.url) == (None, "")
    assert seen.probe_error == ("the cluster does not know us")


def test_a_black_hole_delays_nobody_and_is_unknown(
    black_hole: Callable[[], None], observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    """Whole within its timeout (with a wide margin); without its own threads it would hang 60 s."""
    lost = make_cluster(readiness=black_hole, endpoint=black_hole)
    began = CLOCK.monotonic()
    seen = {
        observation.target: observation
        for observation in observe(
            {"a": lost, "b": make_cluster(), "c": make_cluster()},
            make_probe(),
            endpoint=None,
            timeout_seconds=1.0,
        )
    }
    assert CLOCK.monotonic() - began < 15
    assert seen["a"].readiness_error == "the cluster of a did not answer in 1 s"
    assert seen["a"].probe_error == "the endpoint of a did not answer in 1 s"
    assert seen["a"].url == ""
    for healthy in ("b", "c"):
        assert (seen[healthy].readiness, seen[healthy].probe) == (READY, HELLO)


def test_a_probe_that_hangs_is_held_against_the_url_it_was_sent_to(
    black_hole: Callable[[], None], observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    (seen,) = observe({"a": make_cluster()}, make_probe(black_hole), timeout_seconds=0.5)
    assert seen.readiness == READY
    assert seen.url == "https://iris.example"
    assert seen.probe_error == "the endpoint of a did not answer in 0.5 s"


def test_all_targets_are_asked_at_the_same_time(
    observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    """Every look waits for all the others: one after another they would never come back."""
    together = threading.Barrier(6)

    def meet_and(answer: object) -> Callable[[], object]:
        return lambda: (together.wait(15), answer)[1]

    clusters = {name: make_cluster(readiness=meet_and(READY)) for name in "abc"}
    seen = observe(clusters, make_probe(meet_and(HELLO)))
    assert [(s.target, s.readiness, s.probe) for s in seen] == [(n, READY, HELLO) for n in "abc"]


def test_a_target_that_left_the_spec_or_its_release_is_said_so(
    make_probe: Maker,
    make_bundle: Maker,
    make_part: Maker,
) -> None:
    head = Head(name="iris", desired=42, live={"gone": 42, "odd": 42, "older": 7})
    release = make_bundle(42, make_part("gone"))
    seen = observe_targets(head, {42: release}, {}, make_probe(), CLOCK, timeout_seconds=1)
    assert [observation.readiness_error for observation in seen] == [
        "the spec has no target of this name any more",
        "release 42 is recorded as live but has no part for this target",
        "release 7 is recorded as live but has no part for this target",
    ]
    assert all(observation.probe is None for observation in seen)


def test_a_fault_of_ours_is_raised_not_shown_as_an_unknown(
    observe: Maker, make_cluster: Maker, make_probe: Maker
) -> None:
    broken = make_cluster(readiness=ValueError("a fault of ours"))
    with pytest.raises(ValueError, match="a fault of ours"):
        observe({"a": broken}, make_probe())
