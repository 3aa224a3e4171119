"""A model on disk and a store in memory."""

from pathlib import Path

import pytest

from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from tests.unit.artifact.signing import sign_with_key, write_key


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "weights").mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{}")
    (folder / "weights" / "0.bin").write_bytes(b"weights" * 1000)
    (folder / "weights" / "empty").write_bytes(b"")
    return folder


@pytest.fixture
def signed(model: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A model with its signature beside its files, and the public key."""
    private, public = write_key(tmp_path, "ours")
    sign_with_key(model, private)
    return model, public


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(ManualClock())


@pytest.fixture
def flaky(store: MemoryStore) -> FlakyStore:
    return FlakyStore(store, ManualClock())
