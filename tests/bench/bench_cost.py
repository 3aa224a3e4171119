"""Costs: 30 targets planned, a year of them reported, a million looks.

All are held against their limits. CPU seconds, so that a busy machine does not matter.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import TypeVar

from deployer.cost.change import compare_releases
from deployer.cost.ran import Window, price_ran
from deployer.cost.rates import freeze_prices
from deployer.cost.samples import Sample, append_samples, read_samples
from deployer.providers.book import load_book
from deployer.release.gates import GatesRecord
from deployer.release.records import (
    ArtifactRecord,
    Bundle,
    RouteSettings,
    Span,
    TargetBundle,
)
from deployer.values import Cloud, Digest

T = TypeVar("T")
TARGETS, LOOKS = 30, 33_333
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
YEAR = Window(FIRST, FIRST + timedelta(days=365))
PRICES = freeze_prices(load_book(), Cloud.AWS, "us-east-1", "m6i.xlarge")


def make_part(name: str) -> TargetBundle:
    return TargetBundle(
        target=name, cloud=Cloud.AWS, region="us-east-1", namespace="models", machine="m6i.xlarge",
        workload="iris-r1", direct="iris-r1", service="iris", ready_path="/", infer_path="/",
        protocol="custom", replicas=2, cpu="1", memory="1Gi", gpu=0, uri="s3://models",
        objects=(), shift={"metadata": {"name": "iris"}}, prices=PRICES,
    )  # fmt: skip


def make_bundle(number: int) -> Bundle:
    parts = tuple(make_part(f"target-{index:02}") for index in range(TARGETS))
    return Bundle(
        number=number, name="iris", created=FIRST, created_by="bench", tool="bench",
        artifact=ArtifactRecord(digest=str(Digest("ab" * 32)), size=10**9, files=1),
        config={"usage": {"predictions": 5_000_000}}, content="sha256:" + "cd" * 32,
        gates=GatesRecord(), routing=RouteSettings(), soak_seconds=60,
        weights={part.target: 1 for part in parts}, targets=parts,
    )  # fmt: skip


def measure(words: str, limit: str, work: Callable[[], T], *, times: int = 1) -> T:
    """Do it, so many times, and print the shortest."""
    took = []
    while True:
        begun = time.process_time()
        done = work()
        took.append(time.process_time() - begun)
        if len(took) == times:
            break
    memory = getrusage(RUSAGE_SELF).ru_maxrss // 1024
    print(f"{words:<46} {min(took):8.3f} s   {memory:5} MB at most   limit {limit}")
    return done


def write_samples(file: Path) -> None:
    append_samples(
        file,
        (
            Sample(
                FIRST + timedelta(minutes=15.7 * look),
                f"target-{index:02}",
                replicas=2 + look // 96 % 3,
                predictions=100 * look,
                failures=look,
            )
            for look in range(LOOKS)
            for index in range(TARGETS)
        ),
    )


def main() -> None:
    old, new = make_bundle(1), make_bundle(2)
    live = {part.target: 1 for part in old.targets}
    spans = [Span(target=name, release=1, began=FIRST) for name in live]
    measure(
        f"plan's cost, {TARGETS} targets", "0.05 s",
        lambda: compare_releases(new, live, {1: old}, today=date(2026, 11, 23)), times=5,
    )  # fmt: skip
    measure(f"365 days x {TARGETS} targets", "5 s", lambda: price_ran(spans, {1: old}, YEAR))
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples.csv"
        write_samples(samples)
        looks = measure(f"{LOOKS * TARGETS:,} looks read", "5 s", lambda: read_samples(samples))
        measure(
            "  and priced over the year", "5 s, 300 MB",
            lambda: price_ran(spans, {1: old}, YEAR, samples=looks),
        )  # fmt: skip


if __name__ == "__main__":
    main()
