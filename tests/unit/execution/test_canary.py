"""A canary in a deploy: its part of the traffic rises, and what is wrong with it takes it back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from deployer.errors import RolloutError, TransientError
from deployer.ports import HttpRequest, HttpResponse, Readiness, Verdict
from deployer.providers.local.cluster_faults import ClusterFault
from tests.unit.execution.counting_router import CountingRouter, Counts

World = Any
Machine = Any
TARGETS = ("aws", "azure")
CANARY = ("{soak: 5s}", "{type: canary, steps: [5, 50], hold: 10s, soak: 5s}")
GATES = "gates: {smoke: {requests: examples.json}"
LIMITS = (
    "error_rate: 2%, worse: 0.5%, latency: {under: 250ms, share: 90%}, slower: 5%, requests: 100, "
    "wait: 3s"
)


class Router(CountingRouter):
    """Counts a hundred requests of each backend at every look."""

    def __init__(self, world: World) -> None:
        super().__init__(world, self._tell)
        self.rates: dict[tuple[str, int], float] = {}
        self.slow: dict[tuple[str, int], float] = {}
        self.states: dict[tuple[str, int], dict[str, str]] = {}
        self.more = 100
        self.counts: dict[tuple[str, int], int] = {}

    def _tell(self, *key: Any) -> Counts:
        total = self.counts[key] = self.counts.get(key, 0) + self.more
        late = int(total * self.slow.get(key, 0.0))
        return {
            "requests": total,
            "failures": int(total * self.rates.get(key, 0.0)),
            "first_byte_counts": {"0.25": total - late, "+Inf": total},
            "state": "healthy",
            "source": "passive",
            **self.states.get(key, {}),
        }


Start = Callable[..., tuple[Machine, Router]]


@pytest.fixture
def canary(world: World) -> World:
    """Release 1 is live everywhere; the next one is a canary first."""
    world.drop_gcp(CANARY)
    world.start().deploy()
    world.write_model("two")
    return world


@pytest.fixture
def start(world: World) -> Start:
    """Return what starts a machine whose canary is watched through a router."""

    def start(limits: str = LIMITS, *changes: tuple[str, str]) -> tuple[Machine, Router]:
        analysis = f"analysis: {{router: 'http://router', {limits}}}"
        world.drop_gcp(CANARY, *changes)
        world.start().deploy()
        world.drop_gcp(CANARY, (GATES, f"{GATES}, {analysis}"), *changes)
        world.write_model("two")
        machine, router = world.start(), Router(world)
        machine.session = replace(machine.session, probe=router)
        return machine, router

    return start


def routed(world: World) -> list[tuple[str, int, int]]:
    """Return each backend's target, release and share."""
    routes = world.state.read_routes()
    return [(it.target, it.release, it.share) for it in routes.backends]


def services(world: World, target: str = "aws") -> set[str]:
    live = world.clusters[target].list({"deployer/name": "iris"})
    return {it["metadata"]["name"] for it in live if it["kind"] == "Service"}


class Listening(list[Any]):
    """Events, each told on as it comes."""

    def __init__(self, hear: Callable[[Any], None]) -> None:
        super().__init__()
        self._hear = hear

    def append(self, event: Any) -> None:
        self._hear(event)
        super().append(event)


def trace(machine: Machine, world: World) -> list[Any]:
    """Note the routes whenever they change, and who serves then."""
    seen: list[Any] = []

    def hear(event: Any) -> None:
        if event.kind == "done" and event.step in ("share", "route"):
            seen.append((event.phase, routed(world), world.selected("aws")))

    machine.events = Listening(hear)
    return seen


def on_each(*pairs: tuple[int, int]) -> list[tuple[str, int, int]]:
    return [(name, release, share) for name in TARGETS for release, share in pairs]


def test_its_part_rises_step_by_step_and_then_it_serves_alone(canary: World) -> None:
    machine = canary.start()
    seen = trace(machine, canary)
    before = canary.clock.monotonic()
    assert machine.deploy().release == 2
    assert canary.clock.monotonic() - before >= 2 * 10 + 5
    assert seen == [
        ("canary 5 %", on_each((1, 950), (2, 50)), "iris-r1"),
        ("canary 50 %", on_each((1, 500), (2, 500)), "iris-r1"),
        ("route", on_each((2, 1000)), "iris-r2"),
    ]
    assert services(canary) == {"iris", "iris-r1", "iris-r2"}
    assert canary.record()["marks"][2]["verified"]
    assert canary.start().deploy() is None


def test_while_it_is_a_canary_it_has_an_address_of_its_own_and_weighs_as_its_target(
    canary: World,
) -> None:
    machine = canary.start()
    backends: list[Any] = []
    machine.events = Listening(
        lambda event: (
            backends.extend(canary.state.read_routes().backends[:2])
            if event.phase == "hold 5 %" and not backends
            else None
        )
    )
    machine.deploy()
    stable, new = backends
    assert (stable.url, new.url) == (
        "http://iris.default.aws.invalid",
        "http://iris-canary.default.aws.invalid",
    )
    assert (stable.weight, stable.tier, stable.region) == (new.weight, new.tier, new.region)


def test_the_first_release_has_nobody_to_share_with(world: World) -> None:
    world.drop_gcp(CANARY)
    phases = [phase.name for phase in world.start().plan().phases]
    assert phases == ["stage", "shift", "route", "soak", "retire", "finish"]
    world.start().deploy()
    assert routed(world) == on_each((1, 1000))


def test_a_rollback_takes_all_traffic_at_once(canary: World) -> None:
    canary.start().deploy()
    machine = canary.start()
    seen = trace(machine, canary)
    assert machine.roll_back().release == 1
    assert seen == [("route", on_each((1, 1000)), "iris-r1")]


def test_users_who_fare_well_see_it_through_and_what_was_seen_is_recorded(start: Start) -> None:
    machine, _ = start()
    machine.deploy()
    verdicts = machine.world.state.read_head().mark(2).verdicts
    said = next(text for name, text in verdicts.items() if name.startswith("canary 5 %"))
    assert "0.00% failed, 100.00% within 0.25 s; the old release" in said


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ({"rates": {("azure", 2): 0.1}}, "10.00% of requests failed, 2.00% may"),
        ({"rates": {("azure", 2): 0.01}}, "1.00% of requests failed, 0.00% of the old release's"),
        ({"slow": {("azure", 2): 0.07}}, "93.00% of answers began within 0.25 s, 100.00% of the"),
        ({"away": True}, "nothing is known of its traffic: http://router does not answer"),
        ({"more": 1}, "requests came to the canary in the hold, 100 are needed"),
        (
            {"states": {("azure", 2): {"state": "down", "reason": "5 requests failed in a row"}}},
            "the router took it out of use: 5 requests failed in a row",
        ),
    ],
)
def test_a_canary_that_users_fare_badly_with_is_taken_back_routes_first(
    start: Start, harm: Mapping[str, Any], why: str
) -> None:
    machine, router = start()
    before = machine.world.objects()
    for name, value in harm.items():
        setattr(router, name, value)
    seen = trace(machine, machine.world)
    with pytest.raises(RolloutError, match="refused and undone") as refused:
        machine.deploy()
    assert why in refused.value.message
    assert [phase for phase, *_ in seen] == ["canary 5 %", "take back"]
    assert seen[-1][1:] == (on_each((1, 1000)), "iris-r1")
    assert machine.world.objects() == before
    assert machine.world.record()["live"] == dict.fromkeys(TARGETS, 1)
    quarantined = machine.world.record()["marks"][2]["quarantined"]
    if router.away or router.more == 1:
        assert quarantined is None, "that too little is known is no fault of the release"
    else:
        assert "canary at 5 %" in quarantined


def test_both_releases_failing_alike_is_no_fault_of_the_canary(start: Start) -> None:
    machine, router = start("worse: 0.5%, requests: 100")
    router.rates = {(name, release): 0.3 for name in TARGETS for release in (1, 2)}
    down = {"state": "down", "reason": "requests failed in a row"}
    router.states = dict.fromkeys(router.rates, down)
    assert machine.deploy().release == 2


def test_a_canary_whose_pods_fall_over_is_taken_back(canary: World) -> None:
    machine = canary.start()

    def hear(event: Any) -> None:
        if (event.kind, event.phase) == ("done", "canary 5 %"):
            trouble = Readiness(Verdict.PROGRESSING, 1, 2, "a pod crashed")
            canary.clusters["azure"].script_readiness("iris-r2", trouble)

    machine.events = Listening(hear)
    with pytest.raises(RolloutError, match="azure: release 2 did not stay ready: a pod crashed"):
        machine.deploy()
    assert routed(canary) == on_each((1, 1000))
    assert services(canary) == {"iris", "iris-r1"}


@pytest.mark.parametrize("outcome", ["{quorum: 1}", "keep-going"])
def test_a_target_that_fails_as_a_canary_is_taken_back_alone(start: Start, outcome: str) -> None:
    machine, router = start(LIMITS, ("state:", f"outcome: {outcome}\nstate:"))
    router.rates = {("azure", 2): 0.5}
    seen = trace(machine, machine.world)
    if outcome == "keep-going":
        with pytest.raises(RolloutError, match="live on 1 of 2 targets, not on azure"):
            machine.deploy()
    else:
        assert set(machine.deploy().failed) == {"azure"}
    assert [phase for phase, *_ in seen] == ["canary 5 %", "take back", "canary 50 %", "route"]
    assert seen[1][1] == [("aws", 1, 950), ("aws", 2, 50), ("azure", 1, 1000)]
    assert seen[2][1] == [("aws", 1, 500), ("aws", 2, 500), ("azure", 1, 1000)]
    assert routed(machine.world) == [("aws", 2, 1000), ("azure", 1, 1000)]
    assert services(machine.world, "azure") == {"iris", "iris-r1"}
    assert [machine.world.selected(name) for name in TARGETS] == ["iris-r2", "iris-r1"]


class Doors:
    """Answers at the stable addresses, and at the canaries' or not."""

    def __init__(self, *silent: str) -> None:
        self.silent = silent

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        assert timeout_seconds > 0
        assert request.path.startswith("/v2/")
        if any(word in base_url for word in self.silent):
            raise TransientError(f"{base_url} does not answer", operation="", resource="")
        return HttpResponse(200, b"ok", 0.01)


def test_a_way_in_that_does_not_answer_ends_the_deploy_and_is_not_held_against_the_release(
    canary: World,
) -> None:
    machine = canary.start()
    machine.session = replace(machine.session, probe=Doors("iris-canary.default.azure"))
    seen = trace(machine, canary)
    with pytest.raises(RolloutError, match="the canary's way in does not answer at http") as told:
        machine.deploy()
    assert "it is not to blame" in str(told.value.hint)
    assert seen == []
    assert services(canary, "azure") == {"iris", "iris-r1"}
    assert canary.record()["marks"][2]["quarantined"] is None


def test_where_not_even_the_stable_address_answers_here_routers_judge_the_canarys(
    canary: World,
) -> None:
    machine = canary.start()
    machine.session = replace(machine.session, probe=Doors("aws", "azure"))
    assert machine.deploy().release == 2
    [said] = {
        event.detail.partition("; ")[2] for event in machine.events if event.step == "open"
    } - {""}
    assert said == "not asked: the stable address does not answer here either"


def test_a_target_without_weight_waits_for_the_shift(canary: World) -> None:
    weights = ("state:", "routing: {weights: {aws: 1, azure: 0}}\nstate:")
    canary.drop_gcp(CANARY, weights)
    canary.start().deploy()
    canary.write_model("three")
    machine = canary.start()
    seen = trace(machine, canary)
    machine.deploy()
    assert seen[0][1] == [("aws", 2, 950), ("aws", 3, 50), ("azure", 2, 1000)]
    assert routed(canary) == on_each((3, 1000))


def test_a_cluster_that_does_not_tell_an_address_is_reached_where_it_was(canary: World) -> None:
    machine = canary.start()
    away = partial(TransientError, "away", operation="endpoint", resource="iris")

    def hear(event: Any) -> None:
        if (event.kind, event.phase) == ("done", "canary 5 %"):
            machine.clusters["aws"].faults.append(ClusterFault("endpoint", away, times=500))

    machine.events = Listening(hear)
    machine.deploy()
    stable = canary.state.read_routes().backends[0]
    assert (stable.release, stable.url) == (2, "http://iris.default.aws.invalid")


def test_killed_after_one_target_was_taken_back_the_same_command_leaves_it_out_again(
    canary: World, killed: type[BaseException]
) -> None:
    """It is well by then, but it has missed a step of the canary."""
    canary.drop_gcp(CANARY, ("{lease: 120s}", "{lease: 24s}\noutcome: {quorum: 1}"))
    canary.write_model("three")
    machine = canary.start()

    def hear(event: Any) -> None:
        if (event.kind, event.phase) == ("done", "canary 5 %"):
            trouble = Readiness(Verdict.PROGRESSING, 1, 2, "a pod crashed")
            canary.clusters["azure"].script_readiness("iris-r2", trouble)
        machine.dead = machine.dead or event.phase == "canary 50 %"

    machine.events = Listening(hear)
    with pytest.raises(killed):
        machine.deploy()
    assert routed(canary) == [("aws", 1, 950), ("aws", 2, 50), ("azure", 1, 1000)]
    canary.clock.advance(24.0)
    canary.clusters["azure"].script_readiness("iris-r2")
    assert set(canary.start().deploy().failed) == {"azure"}
    assert routed(canary) == [("aws", 2, 1000), ("azure", 1, 1000)]
    assert services(canary, "azure") == {"iris", "iris-r1"}
