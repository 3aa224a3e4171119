"""Three stores in memory, with an artifact in each and releases that may refer to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import Place, artifact_uri, push_artifact, scan_artifact
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.incomplete import MemoryUploads
from deployer.providers.local.memory import MemoryStore
from deployer.release.records import encode_record
from deployer.release.state import StateStore
from deployer.upkeep import Upkeep
from deployer.values import Digest

URLS = ("memory://aws", "memory://gcp", "memory://azure")


@dataclass
class Yard:
    """What is looked after, and ways to fill and damage it."""

    clock: ManualClock
    stores: dict[str, MemoryStore]
    flaky: dict[str, FlakyStore]
    uploads: dict[str, MemoryUploads]
    folder: Path
    make_bundle: Callable[..., Any]
    make_part: Callable[..., Any]

    @property
    def upkeep(self) -> Upkeep:
        stores = list(self.flaky.values())
        places = {url: Place(store, self.uploads[url]) for url, store in self.flaky.items()}
        state = StateStore("iris", stores, self.clock)
        return Upkeep(places, stores, state, 15.0, self.clock)

    def push(self, content: str, *urls: str) -> Digest:
        """Push a model of two files to the stores; all by default."""
        model = self.folder / content
        model.mkdir(exist_ok=True)
        (model / "weights").write_text(content * 100)
        (model / "config.json").write_text("{}")
        artifact = scan_artifact(model)
        for url in urls or URLS:
            push_artifact(artifact, self.stores[url])
        return artifact.digest

    def record(self, number: int, digest: Digest, *urls: str, name: str = "iris") -> None:
        """Record a release that expects the artifact in the stores; in every state store."""
        parts = [
            self.make_part(f"target-{index}", uri=artifact_uri(url, digest))
            for index, url in enumerate(urls or URLS)
        ]
        bundle = self.make_bundle(number, *parts, name=name)
        about = bundle.artifact.model_copy(update={"digest": str(digest)})
        body = encode_record(bundle.model_copy(update={"artifact": about}))
        for store in self.stores.values():
            store.put(f"deployer/{name}/releases/{number:06d}.json", body)

    def key(self, digest: Digest, path: str = "weights") -> str:
        return f"artifacts/sha256/{digest.hex}/{path}"

    def keys(self, url: str) -> list[str]:
        return [info.key for info in self.stores[url].list("artifacts/")]


@pytest.fixture
def yard(
    tmp_path: Path,
    now: datetime,
    make_bundle: Callable[..., Any],
    make_part: Callable[..., Any],
) -> Yard:
    clock = ManualClock(now)
    stores = {url: MemoryStore(clock, url) for url in URLS}
    flaky = {url: FlakyStore(store, clock) for url, store in stores.items()}
    uploads = {url: MemoryUploads() for url in URLS}
    return Yard(clock, stores, flaky, uploads, tmp_path, make_bundle, make_part)
