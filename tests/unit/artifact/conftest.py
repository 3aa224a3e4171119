"""A model on disk and a store in memory."""

from pathlib import Path

import pytest

from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "weights").mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    (folder / "weights" / "0.bin").write_bytes(b"weights" * 1000)
    (folder / "weights" / "empty").write_bytes(b"")
    return folder


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(ManualClock())


@pytest.fixture
def flaky(store: MemoryStore) -> FlakyStore:
    return FlakyStore(store, ManualClock())
