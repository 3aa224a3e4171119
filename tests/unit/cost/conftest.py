"""Releases whose prices are frozen from the book that ships."""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.cost.rates import freeze_prices
from deployer.providers.book import load_book
from deployer.release.records import ArtifactRecord, Bundle, TargetBundle
from deployer.values import Cloud, Digest

Maker = Callable[..., Any]
PLACES: dict[str, tuple[Cloud, str, str]] = {
    "aws": (Cloud.AWS, "us-east-1", "m6i.xlarge"),
    "gcp": (Cloud.GCP, "us-central1", "n2-standard-4"),
    "azure": (Cloud.AZURE, "westus", "D4s_v5"),
}
QUIET = {"pushes": 0, "outage_hours": 0}


@pytest.fixture(scope="session")
def make_site(make_part: Maker) -> Callable[..., TargetBundle]:
    """Return a maker of a target on one of three clouds, its prices frozen."""

    def make(name: str, option: str = "on-demand", **changes: Any) -> TargetBundle:
        cloud, region, machine = PLACES[name.partition("-")[0]]
        fields = {"cloud": cloud, "region": region, "machine": machine} | changes
        place = (fields["cloud"], fields["region"], fields["machine"])
        prices = freeze_prices(load_book(), *place, option=option)
        part: TargetBundle = make_part(name, **({"prices": prices} | fields))
        return part

    return make


@pytest.fixture(scope="session")
def make_release(make_bundle: Maker) -> Callable[..., Bundle]:
    """Return a maker of a release of 50 GB; nothing is assumed unless it is said."""

    def make(
        *parts: TargetBundle, number: int = 42, size: int = 50 * 10**9, **usage: Any
    ) -> Bundle:
        artifact = ArtifactRecord(digest=str(Digest("ab" * 32)), size=size, files=3)
        bundle: Bundle = make_bundle(
            number, *parts, artifact=artifact, config={"usage": QUIET | usage}
        )
        return bundle

    return make


@pytest.fixture(scope="session")
def scaler() -> Callable[[int], dict[str, Any]]:
    """Return a maker of an autoscaler with a maximum."""
    return lambda most: {"kind": "HorizontalPodAutoscaler", "spec": {"maxReplicas": most}}
