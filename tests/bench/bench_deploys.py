"""What users notice of a deploy and a rollback: 200 predictions a second through every engine.

Three targets on this machine, each a cluster of processes. While predictions are sent, a second
version is deployed and rolled back. Nothing may fail, and no prediction is sent twice.

    python -m tests.bench deploys [ENGINE…]
"""

import contextlib
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from deployer.providers.local.lifecycle import stop_cluster
from tests.scenario.conftest import CLOUDS, DEPLOYER, REQUESTS, Deployment
from tests.scenario.traffic import Story, engine_router, paced

__all__ = ["bench_deploys", "main"]

RATE = 200.0
ENGINES = ("embedded", "haproxy", "envoy")


def bench_deploys(engines: tuple[str, ...] = ENGINES) -> Iterator[tuple[str, Story]]:
    """Yield each engine with what its users noticed, as soon as it was measured."""
    with tempfile.TemporaryDirectory(prefix="deploys") as folder, _clusters(Path(folder)) as found:
        for engine in engines:
            yield engine, _tell(engine, Path(folder) / engine, found)


def _tell(engine: str, folder: Path, clusters: dict[str, Path]) -> Story:
    deployment = _make(folder, clusters)
    deployment.run("deploy")
    with engine_router(deployment, engine) as url, paced(deployment, url, RATE) as story:
        deployment.write_model("v2")
        deployment.run("deploy", within=120)
        deployment.run("rollback", within=120)
    deployment.forget()
    return story


def _make(folder: Path, clusters: dict[str, Path]) -> Deployment:
    folder.mkdir()
    path = f"{DEPLOYER.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    name = f"m{uuid.uuid4().hex[:8]}"
    made = Deployment(folder, {**os.environ, "PATH": path}, name=name, clusters=clusters)
    (folder / "requests.json").write_text(json.dumps(REQUESTS))
    made.write_model("v1")
    made.write_spec(
        strategy={"soak": "2.5s"}, routing={"idempotent": False}, state={"lease": "30s"}
    )
    return made


@contextlib.contextmanager
def _clusters(folder: Path) -> Iterator[dict[str, Path]]:
    found = {name: folder / "clusters" / name for name in CLOUDS}
    try:
        yield found
    finally:
        for path in found.values():
            if path.exists():
                stop_cluster(path, now=True)


def main() -> None:
    """Print the table, a row as soon as it is there."""
    chosen = tuple(word for word in sys.argv[1:] if word in ENGINES) or ENGINES
    print(f"deploy and rollback on three targets under {RATE:.0f} predictions a second")
    print(f"{'':<10}{'sent':>7}{'v1':>7}{'v2':>7}{'failed':>8}{'p50':>9}{'p99':>9}{'most':>9}")
    for engine, told in bench_deploys(chosen):
        failed = told.sent - told.answers.get("v1", 0) - told.answers.get("v2", 0)
        print(
            f"{engine:<10}{told.sent:>7}{told.answers.get('v1', 0):>7}"
            f"{told.answers.get('v2', 0):>7}{failed:>8}"
            f"{told.p50:>6} ms{told.p99:>6} ms{told.most:>6} ms"
        )
        why = {answer: n for answer, n in told.answers.items() if answer.startswith("failed")}
        if why:
            print(f"  {why} sent at {told.failed_at[:10]} s")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
