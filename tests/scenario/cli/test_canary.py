"""A canary under real traffic: a good one that nobody notices, and one that answers 500."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from deployer.providers.local.clock import SystemClock
from tests.scenario.traffic import paced, router

TARGET = "gcp-iowa"
RATE = 40
BAD = {"version": "v3", "broken": True}


def ask(url: str, what: str = "requests") -> dict[int, Any]:
    """Return what the router says of each release: how many requests it was sent, or else."""
    with urllib.request.urlopen(f"{url}/-/status", timeout=5) as answer:  # noqa: S310 - our own
        backends = json.load(answer)["backends"]
    return {backend["release"]: backend[what] for backend in backends}


def await_share(url: str, release: int, share: float) -> None:
    """Return when the router gives a release that share of new requests."""
    for _ in range(300):
        if abs(ask(url, "share").get(release, 0.0) - share) < 0.001:
            return
        SystemClock().sleep(0.1)
    raise AssertionError(ask(url, "share"))


def measure_share(url: str, release: int, seconds: float) -> tuple[int, int]:
    """Return how many requests went to a release in a while, and how many there were."""
    first = ask(url)
    SystemClock().sleep(seconds)
    last = ask(url)
    return last[release] - first[release], sum(last.values()) - sum(first.values())


def test_a_good_canary_serves_at_last_and_a_bad_one_costs_a_few_of_its_share(
    make_deployment: Callable[..., Any],
) -> None:
    deployment = make_deployment(TARGET, gates={})
    deployment.run("deploy")
    with router(deployment) as url:
        deployment.write_spec(
            strategy={"type": "canary", "steps": [10, 40], "hold": "6s", "soak": "2.5s"},
            gates={"analysis": {"router": url, "error_rate": "2%", "worse": "2%", "requests": 10}},
            routing={"idempotent": False},  # a second try would cover up for a lost request
        )
        deployment.write_model("v2")
        shown = deployment.run("plan", expect=2).out
        assert f"canary: 10 % for 6.0 s, 40 % for 6.0 s, then all of it; 12 s on {TARGET}" in shown
        with paced(deployment, url, RATE) as good:
            running = deployment.start("deploy")
            running.wait_for("canary", "10%")
            status = deployment.run("status", "-o", "json").json
            await_share(url, 2, 0.4)
            new, total = measure_share(url, 2, 1.5)
            assert running.finish().code == 0
        assert status["canary"] == f"release 2 gets 10 % of {TARGET}"
        assert total > RATE
        assert abs(new - 0.4 * total) <= 2
        assert set(good.answers) == {"v1", "v2"}, good
        before = deployment.objects()
        (deployment.folder / "model" / "model.json").write_text(json.dumps(BAD))
        with paced(deployment, url, RATE) as bad:
            done = deployment.run("deploy", expect=1)
        assert "canary at 10 %: " in done.err
        assert "release 2 never stopped serving" in done.err
        failed = sum(bad.answers.values()) - bad.answers["v2"]
        assert 0 < failed <= 0.1 * bad.sent, bad
    assert deployment.objects() == before
    assert deployment.serving() == {TARGET: 2}
    states = deployment.run("history", "-o", "json").json["releases"]
    assert [one["state"] for one in states] == ["quarantined", "live", "verified"]
