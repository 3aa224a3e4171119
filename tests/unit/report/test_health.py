from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.ports import HttpResponse, Readiness, Verdict
from deployer.release.records import Head
from deployer.report.health import HealthReport, TargetHealth, build_health_report
from deployer.report.router_view import RouterSight, RouterView
from deployer.report.sights import HealthState
from deployer.snapshot.observe import Observation

Maker = Callable[..., Any]
HEALTHY, DEGRADED, UNKNOWN, DOWN = HealthState

READY = Readiness(Verdict.READY, 2, 2)
PARTLY = Readiness(Verdict.PROGRESSING, 1, 2, "iris-r42-x is pulling its image")
NONE = Readiness(Verdict.FAILED, 0, 2, "iris-r42-x: CrashLoopBackOff")
OK = HttpResponse(200, b"", 0.012)
BUSY = HttpResponse(503, b"", 0.012)
URL = "https://aws-virginia.example"


@pytest.fixture(scope="session")
def judge(make_bundle: Maker, make_part: Maker, now: datetime) -> Callable[..., TargetHealth]:
    def judge_one(*observations: Observation, desired: int | None = 42) -> TargetHealth:
        bundles = {n: make_bundle(n, make_part()) for n in (42, 43)}
        head = Head(name="iris", desired=desired, live={"aws-virginia": 42})
        (target,) = build_health_report(head, bundles, observations, now=now).targets
        return target

    return judge_one


def test_all_ready_and_an_answering_endpoint_are_healthy(judge: Maker, make_seen: Maker) -> None:
    target = judge(make_seen())
    assert target.state is HEALTHY
    assert target.reason == f"2 of 2 replicas ready, {URL} answered 200 in 12 ms"
    assert (target.ready, target.replicas, target.probe_status) == (2, 2, 200)
    assert (target.age_seconds, target.error) == (0.0, "")


@pytest.mark.parametrize(
    ("readiness", "probe", "url", "state"),
    [
        (READY, OK, URL, HEALTHY),
        (READY, BUSY, URL, DOWN),
        (READY, None, URL, DOWN),
        (READY, None, "", UNKNOWN),
        (PARTLY, OK, URL, DEGRADED),
        (PARTLY, BUSY, URL, DOWN),
        (PARTLY, None, "", UNKNOWN),
        (NONE, OK, URL, DEGRADED),
        (NONE, None, "", DOWN),
        (Readiness(Verdict.MISSING, 0, 0), None, "", DOWN),
        (Readiness(Verdict.READY, 0, 0), None, "", DOWN),
        (None, OK, URL, DEGRADED),
        (None, BUSY, URL, DOWN),
        (None, None, URL, DOWN),
        (None, None, "", UNKNOWN),
    ],
)
def test_the_endpoint_decides_serving_and_the_pods_whether_all_is_there(
    *,
    judge: Maker,
    make_seen: Maker,
    readiness: Readiness | None,
    probe: HttpResponse | None,
    url: str,
    state: HealthState,
) -> None:
    assert judge(make_seen(readiness=readiness, probe=probe, url=url)).state is state


def test_the_reason_names_what_is_wrong_the_users_side_first(
    judge: Maker, make_seen: Maker
) -> None:
    target = judge(
        make_seen(
            readiness=None,
            readiness_error="the cluster did not answer in 5 s",
            probe=None,
            probe_error="connect timeout",
        )
    )
    assert target.state is DOWN
    assert target.reason == "connect timeout; the cluster did not answer in 5 s"
    assert target.error == "the cluster did not answer in 5 s; connect timeout"
    assert target.ready is None


def test_a_workload_that_is_not_ready_tells_its_message(judge: Maker, make_seen: Maker) -> None:
    target = judge(make_seen(readiness=PARTLY))
    assert target.reason == "1 of 2 replicas ready: iris-r42-x is pulling its image"
    assert target.error == "iris-r42-x is pulling its image"


def test_a_missing_workload_is_named(judge: Maker, make_seen: Maker) -> None:
    gone = make_seen(readiness=Readiness(Verdict.MISSING, 0, 0, "no Deployment iris-r42"))
    target = judge(gone)
    assert target.state is DEGRADED
    assert target.reason == "the workload is missing: no Deployment iris-r42"


def test_a_target_nobody_looked_at_is_unknown(judge: Maker) -> None:
    target = judge()
    assert (target.state, target.reason) == (UNKNOWN, "it was not looked at")
    assert target.age_seconds is None


def test_an_old_observation_says_nothing_of_now(
    judge: Maker, make_seen: Maker, now: datetime
) -> None:
    fresh, stale = (judge(make_seen(at=now - timedelta(seconds=s))) for s in (60, 61))
    assert fresh.state is HEALTHY
    assert stale.state is UNKNOWN
    assert stale.reason.startswith("last seen 61 s ago, then healthy: 2 of 2")


def test_another_release_than_the_wanted_one_is_degraded_however_well_it_does(
    judge: Maker, make_seen: Maker
) -> None:
    target = judge(make_seen(), desired=43)
    assert (target.state, target.reason) == (DEGRADED, "release 43 is wanted, 42 is live")


def test_a_release_that_runs_where_none_is_wanted_is_degraded(
    make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime
) -> None:
    bundles = {42: make_bundle(42, make_part()), 43: make_bundle(43, make_part("gcp-iowa"))}
    head = Head(name="iris", desired=43, live={"aws-virginia": 42})
    report = build_health_report(head, bundles, [make_seen()], now=now)
    assert [target.reason for target in report.targets] == [
        "release 42 still runs here, where none is wanted",
        "release 43 is wanted, nothing is live",
    ]
    assert [target.state for target in report.targets] == [DEGRADED, DOWN]


@pytest.mark.parametrize(
    ("states", "worst", "code"),
    [
        (["good", "good"], HEALTHY, 0),
        (["good", "partly"], DEGRADED, 1),
        (["partly", "unseen"], UNKNOWN, 3),
        (["good", "down"], DOWN, 3),
        ([], UNKNOWN, 3),
    ],
)
def test_the_whole_is_as_healthy_as_its_worst_target(
    *,
    make_bundle: Maker,
    make_part: Maker,
    make_seen: Maker,
    now: datetime,
    states: list[str],
    worst: HealthState,
    code: int,
) -> None:
    changes: dict[str, dict[str, Any]] = {
        "good": {},
        "partly": {"readiness": PARTLY},
        "unseen": {"readiness": None, "probe": None, "url": ""},
        "down": {"probe": BUSY},
    }
    names = [f"t{i}" for i in range(len(states))]
    bundle = make_bundle(42, *map(make_part, names))
    head = Head(name="iris", desired=42, live=dict.fromkeys(names, 42))
    seen = [make_seen(name, **changes[state]) for name, state in zip(names, states, strict=True)]
    report = build_health_report(head, {42: bundle}, seen, now=now)
    assert (report.state, report.exit_code) == (worst, code)


READINESS = st.builds(
    Readiness, st.sampled_from(Verdict), st.integers(0, 3), st.integers(0, 3), st.text(max_size=5)
)
PROBES = st.builds(HttpResponse, st.integers(100, 599), st.just(b""), st.floats(0, 9))


@given(
    readiness=st.none() | READINESS,
    probe=st.none() | PROBES,
    url=st.sampled_from(["", URL]),
    age=st.integers(0, 200),
)
def test_unknown_is_never_healthy(
    *,
    judge: Maker,
    make_seen: Maker,
    now: datetime,
    readiness: Readiness | None,
    probe: HttpResponse | None,
    url: str,
    age: int,
) -> None:
    seen = make_seen(readiness=readiness, probe=probe, url=url, at=now - timedelta(seconds=age))
    target: TargetHealth = judge(seen)
    assert target.reason
    if target.state is HEALTHY:
        assert readiness is not None
        assert readiness.verdict is Verdict.READY
        assert readiness.ready >= max(readiness.desired, 1)
        assert probe is not None
        assert 200 <= probe.status < 300
        assert age <= 60


def test_nothing_deployed_is_no_health(now: datetime) -> None:
    report: HealthReport = build_health_report(Head(name="iris"), {}, [], now=now)
    assert (report.targets, report.exit_code) == ((), 3)


@pytest.mark.parametrize(
    ("readiness", "probe", "url", "router", "state"),
    [
        (READY, OK, URL, "healthy", HEALTHY),
        (READY, OK, URL, "down", DEGRADED),
        (READY, OK, URL, "degraded", DEGRADED),
        (READY, OK, URL, "unknown", HEALTHY),
        (READY, BUSY, URL, "healthy", DEGRADED),
        (READY, BUSY, URL, "down", DOWN),
        (READY, None, "", "healthy", HEALTHY),
        (READY, None, "", "down", DOWN),
        (None, None, "", "healthy", DEGRADED),
        (None, None, "", "unknown", UNKNOWN),
        (PARTLY, OK, URL, "healthy", DEGRADED),
    ],
)
def test_the_router_is_a_second_witness_of_the_endpoint(
    make_bundle: Maker,
    make_part: Maker,
    make_seen: Maker,
    now: datetime,
    *,
    readiness: Readiness | None,
    probe: HttpResponse | None,
    url: str,
    router: str,
    state: HealthState,
) -> None:
    seen = make_seen(readiness=readiness, probe=probe, url=url)
    view = RouterView("http://r", {"aws-virginia": RouterSight(42, router, 41.0, "timeout")})
    head = Head(name="iris", desired=42, live={"aws-virginia": 42})
    bundles = {42: make_bundle(42, make_part())}
    (target,) = build_health_report(head, bundles, [seen], now=now, router=view).targets
    assert target.state is state, target.reason
    assert target.since_seconds == (41.0 if router == state else None)
    says = {it.source: it.says for it in target.evidence}
    assert says["router"] == f"the router sees it {router} for 41 s: timeout"


def test_a_router_that_follows_other_routes_or_is_silent_changes_no_verdict(
    make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime
) -> None:
    head = Head(name="iris", desired=42, live={"aws-virginia": 42})
    bundles = {42: make_bundle(42, make_part())}
    old = RouterView("http://r", {"aws-virginia": RouterSight(41, "down", 9.0)})
    silent = RouterView("http://r", error="http://r: connect refused")
    for view, words in ((old, None), (silent, "http://r: connect refused")):
        report = build_health_report(head, bundles, [make_seen()], now=now, router=view)
        (target,) = report.targets
        assert target.state is HEALTHY
        assert {it.source: it.says for it in target.evidence}.get("router") == words


def test_a_model_that_is_gone_from_its_store_degrades_and_a_silent_store_does_not(
    judge: Maker, make_seen: Maker
) -> None:
    gone = judge(make_seen(artifact=False))
    assert gone.state is DEGRADED
    assert gone.reason == "the model is not in its store: a new pod could not start"
    silent = judge(make_seen(artifact_error="no answer in 5 s"))
    assert silent.state is HEALTHY
    assert silent.evidence[-1].says == "whether the model is in its store: no answer in 5 s"
    assert judge(make_seen(artifact=True)).state is HEALTHY
