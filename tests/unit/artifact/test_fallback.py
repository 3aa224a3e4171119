from pathlib import Path

import pytest

from deployer.artifact import Source, pull_from_any, push_artifact, scan_artifact
from deployer.errors import DeployerError, IntegrityError, NotFoundError, TransientError
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.values import Digest


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stores(clock: ManualClock, tmp_path: Path) -> tuple[list[FlakyStore], Digest]:
    """Two stores; only the second one has the artifact."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"w" * 1000)
    artifact = scan_artifact(tmp_path / "model")
    stores = [FlakyStore(MemoryStore(clock, f"memory://{name}"), clock) for name in "ab"]
    push_artifact(artifact, stores[1])
    return stores, artifact.digest


def sources(stores: list[FlakyStore], patience: list[float]) -> list[Source]:
    def opener(store: FlakyStore) -> Source:
        def open_it(seconds: float) -> FlakyStore:
            patience.append(seconds)
            return store

        return Source(store.url, open_it)

    return [opener(store) for store in stores]


def test_the_next_store_is_asked_when_the_first_does_not_answer(
    stores: tuple[list[FlakyStore], Digest], tmp_path: Path
) -> None:
    both, digest = stores
    both[0].down = True
    patience: list[float] = []
    pulled = pull_from_any(sources(both, patience), digest, tmp_path / "out")
    assert pulled.store_url == "memory://b"
    assert len(pulled.failures) == 1
    assert (tmp_path / "out" / "weights").read_bytes() == b"w" * 1000
    assert patience[0] < patience[1], "only the last source gets the full patience"


def test_a_store_without_the_artifact_is_passed_over(
    stores: tuple[list[FlakyStore], Digest], tmp_path: Path
) -> None:
    both, digest = stores
    assert pull_from_any(sources(both, []), digest, tmp_path / "out").store_url == "memory://b"


def test_a_damaged_copy_is_passed_over(
    stores: tuple[list[FlakyStore], Digest], tmp_path: Path
) -> None:
    both, digest = stores
    damaged = both[1]
    key = next(info.key for info in damaged.list() if info.key.endswith("weights"))
    good = FlakyStore(MemoryStore(ManualClock(), "memory://c"), ManualClock())
    push_artifact(scan_artifact(tmp_path / "model"), good)
    damaged.put(key, b"x" * 1000)
    pulled = pull_from_any(sources([damaged, good], []), digest, tmp_path / "out")
    assert pulled.store_url == "memory://c"
    assert (tmp_path / "out" / "weights").read_bytes() == b"w" * 1000


def test_when_none_works_the_first_reason_comes_out_with_the_others_noted(
    stores: tuple[list[FlakyStore], Digest], tmp_path: Path
) -> None:
    both, digest = stores
    both[1].down = True
    with pytest.raises(DeployerError) as raised:
        pull_from_any(sources(both, []), digest, tmp_path / "out")
    assert isinstance(raised.value, NotFoundError | IntegrityError | TransientError)
    assert any("nor from elsewhere" in note for note in raised.value.__notes__)
    assert not (tmp_path / "out" / "weights").exists()
