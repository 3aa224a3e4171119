"""SIGKILL at twenty points of a push and of a pull, on every cloud: the next try goes on."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import pull_artifact, push_artifact, scan_artifact, verify_artifact
from deployer.sandbox.faults import Fault

POINTS = 20
MARGIN = 3
"""Points that are left out at the end: a kill comes a moment after what it waits for."""

PARTS = 24
PART = 64 << 10
WORKERS = 4
RATE = 2 << 20
"""Bytes per second of each connection: slow enough that a kill hits the point it is meant for."""


@pytest.mark.timeout(600)
def test_a_push_killed_anywhere_is_gone_on_with(
    place: Any, mover: Any, tmp_path: Path, record_property: Any
) -> None:
    (tmp_path / "model").write_bytes(os.urandom(PARTS * PART))
    artifact = scan_artifact(tmp_path / "model")
    twice: list[int] = []
    left_behind: list[int] = []
    for point in range(POINTS):
        place.server.traffic.clear()
        place.server.faults.clear()
        place.server.faults.order(Fault.LIMIT, method="PUT", times=10_000, rate=RATE)
        due = int(artifact.size * (point + 0.5) / (POINTS + MARGIN))
        prefix = f"push-{point}"
        status = mover.kill_when(
            lambda due=due: place.moved("PUT") >= due,
            verb="push",
            url=place.url(prefix),
            endpoint=place.server.url,
            path=str(tmp_path / "model"),
            part=PART,
            workers=WORKERS,
        )
        assert status == -signal.SIGKILL
        place.server.faults.clear()
        store = place.open(prefix)
        assert store.head(f"artifacts/sha256/{artifact.digest.hex}/.manifest.json") is None
        left_behind.append(len(place.incomplete(prefix)))
        push_artifact(artifact, store)
        sent = place.moved("PUT")
        twice.append(sent - artifact.size)
        assert verify_artifact(store, artifact.digest, deep=True).good
        # S3 says of an upload without parts nothing but its key: it may be somebody's who sends
        # other bytes, so one that was killed that early is left to the garbage collector.
        assert len(place.incomplete(prefix)) <= (place.scheme == "s3")
        place.sweep(prefix, artifact.digest)
        assert place.incomplete(prefix) == []
        assert verify_artifact(store, artifact.digest).good
    assert any(left_behind)
    record_property("sent_twice", twice)
    assert max(twice) <= (WORKERS + 1) * PART, twice


@pytest.mark.timeout(600)
def test_a_pull_killed_anywhere_is_gone_on_with(
    place: Any, mover: Any, tmp_path: Path, record_property: Any
) -> None:
    (tmp_path / "model").write_bytes(os.urandom(PARTS * PART))
    artifact = scan_artifact(tmp_path / "model")
    store = place.open("pull")
    push_artifact(artifact, store)
    twice: list[int] = []
    for point in range(POINTS):
        place.server.traffic.clear()
        place.server.faults.order(Fault.LIMIT, method="GET", times=10_000, rate=RATE)
        due = int(artifact.size * (point + 0.5) / (POINTS + MARGIN))
        to = tmp_path / f"to-{point}"
        status = mover.kill_when(
            lambda due=due: place.moved("GET", "model") >= due,
            verb="pull",
            url=place.url("pull"),
            endpoint=place.server.url,
            path=str(to),
            digest=artifact.digest.hex,
            part=PART,
            workers=WORKERS,
        )
        assert status == -signal.SIGKILL
        assert not (to / "model").exists()
        place.server.faults.clear()
        pulled = pull_artifact(store, artifact.digest, to, limits=store._limits)
        twice.append(place.moved("GET", "model") - artifact.size)
        assert pulled.digest == artifact.digest == scan_artifact(to).digest
        assert [path.name for path in to.iterdir()] == ["model"]
    record_property("sent_twice", twice)
    assert max(twice) <= (WORKERS + 1) * PART, twice
