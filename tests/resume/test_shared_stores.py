"""What happens when one store is used twice at once, twice in a row, or copied from."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import (
    Artifact,
    push_artifact,
    replicate_artifact,
    scan_artifact,
    verify_artifact,
)
from deployer.sandbox.faults import Fault

PART = 64 << 10


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(os.urandom(8 * PART + 5))
    (folder / "config").write_bytes(b"{}")
    return scan_artifact(folder)


def test_two_pushes_of_one_artifact_at_once_both_succeed(place: Any, artifact: Artifact) -> None:
    with ThreadPoolExecutor(2) as pool:
        pushes = [pool.submit(push_artifact, artifact, place.open("both")) for _ in range(2)]
        assert len({push.result().uri for push in pushes}) == 1
    assert verify_artifact(place.open("both"), artifact.digest, deep=True).good
    assert len(list(place.open("both").list())) == 3


def test_a_push_of_what_is_there_takes_three_requests_at_most(
    place: Any, artifact: Artifact
) -> None:
    store = place.open("again")
    push_artifact(artifact, store)
    place.server.traffic.clear()
    assert push_artifact(artifact, store).uploaded_bytes == 0
    assert len(place.server.traffic.seen()) <= 3


def test_a_replica_within_a_cloud_is_proven(place: Any, artifact: Artifact) -> None:
    source, store = place.open("here"), place.open("there")
    push_artifact(artifact, source)
    done = replicate_artifact(source, store, artifact.digest)
    assert done.copied_bytes + done.moved_bytes == artifact.size
    assert bool(done.copied_bytes) == (place.scheme != "az")  # the stand-in copies only at once
    assert verify_artifact(store, artifact.digest, deep=True).good
    again = replicate_artifact(source, store, artifact.digest)
    assert (again.present_bytes, again.moved_bytes) == (artifact.size, 0)


def test_a_login_that_ran_out_is_read_again(place: Any, artifact: Artifact) -> None:
    if place.scheme != "s3":
        pytest.skip("the other SDKs renew their tokens themselves")
    store = place.open("expired")
    store.head("warm-up")
    place.server.faults.order(Fault.EXPIRE, method="PUT", part="partNumber=3")
    push_artifact(artifact, store)
    assert verify_artifact(store, artifact.digest, deep=True).good
