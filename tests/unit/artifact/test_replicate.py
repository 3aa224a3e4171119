from pathlib import Path

import pytest

from deployer.artifact import (
    push_artifact,
    push_to_all,
    replicate_artifact,
    scan_artifact,
    verify_artifact,
)
from deployer.artifact.keys import file_key, marker_key
from deployer.artifact.push import Pushed
from deployer.errors import IntegrityError, NotFoundError, TransientError
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.transfer import Budget, Limits
from deployer.values import Digest


@pytest.fixture
def other() -> MemoryStore:
    return MemoryStore(ManualClock(), url="memory://other")


@pytest.fixture
def digest(model: Path, store: MemoryStore) -> Digest:
    return push_artifact(scan_artifact(model), store).digest


def test_an_artifact_is_brought_whole_and_proven(
    store: MemoryStore, other: MemoryStore, digest: Digest
) -> None:
    budget = Budget(4096)
    limits = Limits(part_bytes=1024, range_bytes=512, workers=2, budget=budget)
    told: list[int] = []
    done = replicate_artifact(store, other, digest, limits=limits, progress=told.append)
    assert (done.copied_bytes, done.moved_bytes, done.present_bytes) == (0, 7002, 0)
    assert sum(told) == 7002
    assert verify_artifact(other, digest, deep=True).good
    assert budget.used == 0


def test_what_is_there_is_not_brought_again(
    store: MemoryStore, other: MemoryStore, digest: Digest
) -> None:
    replicate_artifact(store, other, digest)
    done = replicate_artifact(store, other, digest)
    assert (done.moved_bytes, done.present_bytes) == (0, 7002)


def test_a_source_that_is_damaged_is_not_spread(
    store: MemoryStore, other: MemoryStore, digest: Digest
) -> None:
    store.put(file_key(digest, "weights/0.bin"), b"weightS" * 1000)
    with pytest.raises(IntegrityError, match="not what was promised"):
        replicate_artifact(store, other, digest)
    assert other.head(marker_key(digest)) is None
    assert other.head(file_key(digest, "weights/0.bin")) is None


def test_a_file_that_the_source_lost_is_not_found(
    store: MemoryStore, other: MemoryStore, digest: Digest
) -> None:
    store.delete(file_key(digest, "config.json"))
    with pytest.raises(NotFoundError, match="has lost"):
        replicate_artifact(store, other, digest)


def test_a_replication_that_failed_goes_on(
    store: MemoryStore, other: MemoryStore, digest: Digest
) -> None:
    flaky = FlakyStore(other, ManualClock(), Fault(method="put", prefix="artifacts/"))
    with pytest.raises(TransientError):
        replicate_artifact(store, flaky, digest)
    assert replicate_artifact(store, flaky, digest).moved_bytes == 0
    assert verify_artifact(other, digest, deep=True).good


def test_one_store_that_fails_stops_no_other(
    model: Path, store: MemoryStore, other: MemoryStore
) -> None:
    flaky = FlakyStore(other, ManualClock())
    flaky.down = True
    artifact = scan_artifact(model)
    first, second = push_to_all(artifact, [store, flaky])
    assert isinstance(first, Pushed)
    assert isinstance(second, TransientError)
    assert verify_artifact(store, artifact.digest, deep=True).good
