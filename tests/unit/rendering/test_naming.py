"""How the names of releases that roll in one Deployment differ from those side by side."""

from collections.abc import Callable
from typing import Any

from deployer.rendering import RenderedTarget

Render = Callable[..., RenderedTarget]
Find = Callable[[RenderedTarget, str], Any]
ROLLING = "strategy: {type: rolling, max_unavailable: 25%}\n"
SCALED = f"{ROLLING}service: {{replicas: {{min: 2, max: 5}}}}\n"
SHARED = {"deployer/name": "iris", "deployer/strategy": "rolling"}


def test_releases_that_roll_share_a_deployment_whose_selector_never_changes(
    render: Render, find: Find
) -> None:
    for release in (42, 43):
        rendered = render(more=ROLLING, release=release)
        deployment = find(rendered, "Deployment")
        assert rendered.workload == deployment["metadata"]["name"] == "iris"
        assert deployment["spec"]["selector"]["matchLabels"] == SHARED
        assert rendered.shift["spec"]["selector"] == SHARED
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert labels["deployer/release"] == deployment["metadata"]["labels"]["deployer/release"]
        assert labels["deployer/release"] == str(release)
        assert SHARED.items() <= labels.items()


def test_no_selector_of_a_release_of_its_own_matches_pods_that_roll_or_the_other_way(
    render: Render, find: Find
) -> None:
    rolls, stands = find(render(more=ROLLING), "Deployment"), find(render(), "Deployment")
    for one, other in ((rolls, stands), (stands, rolls)):
        selector = one["spec"]["selector"]["matchLabels"]
        labels = other["spec"]["template"]["metadata"]["labels"] | {"deployer/release": "41"}
        assert not selector.items() <= labels.items()


def test_each_release_that_rolls_has_a_service_that_leads_to_its_pods_alone(
    render: Render, find: Find
) -> None:
    rendered = render(more=ROLLING)
    direct = find(rendered, "Service")
    assert rendered.direct == direct["metadata"]["name"] == "iris-r42"
    assert direct["spec"]["selector"] == {"deployer/name": "iris", "deployer/release": "42"}
    assert direct["metadata"]["labels"]["deployer/release"] == "42"


def test_one_autoscaler_and_one_budget_stay_with_the_deployment_that_rolls(
    render: Render, find: Find
) -> None:
    rendered = render(more=SCALED)
    scaler, budget = (find(rendered, k) for k in ("HorizontalPodAutoscaler", "PodDisruptionBudget"))
    assert scaler["metadata"]["name"] == budget["metadata"]["name"] == "iris"
    assert scaler["spec"]["scaleTargetRef"]["name"] == "iris"
    assert all("deployer/release" not in it["metadata"]["labels"] for it in (scaler, budget))
    assert budget["spec"]["selector"]["matchLabels"] == SHARED


def test_counts_are_numbers_and_shares_are_text_as_kubernetes_wants_them(
    render: Render, find: Find
) -> None:
    strategy = find(render(more=ROLLING), "Deployment")["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxUnavailable": "25%", "maxSurge": 1}
