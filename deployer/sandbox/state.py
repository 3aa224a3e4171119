"""What a sandbox remembers between commands: addresses, which are kept for good, and processes."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from deployer.sandbox.processes import ProcessRecord
from deployer.values import Cloud

__all__ = ["CLOUDS", "CloudState", "SandboxFolder", "SandboxState", "with_ports"]

CLOUDS = (Cloud.AWS, Cloud.GCP, Cloud.AZURE)
"""The clouds there are stand-ins for."""


class CloudState(BaseModel):
    """One stand-in: the store's port and its server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: int
    server: ProcessRecord | None = None


class SandboxState(BaseModel):
    """``state.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_version: int = Field(1, alias="schema")
    clouds: dict[Cloud, CloudState] = Field(default_factory=dict)


class SandboxFolder:
    """The files of a sandbox."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.spec = self.path / "deployer.yaml"
        self.env = self.path / "env"

    def log(self, cloud: Cloud) -> Path:
        """Return where the cloud's store server writes."""
        return self.path / "logs" / f"{cloud}.log"

    def cluster(self, cloud: Cloud) -> Path:
        """Return the folder of the cloud's cluster."""
        return self.path / "clusters" / cloud

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and let one command at a time change what is in it."""
        for folder in (self.path / "logs", self.path / "clusters"):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> SandboxState:
        """Return the state; that of a sandbox never started when there is none."""
        try:
            return SandboxState.model_validate_json((self.path / "state.json").read_bytes())
        except FileNotFoundError:
            return SandboxState()

    def write(self, state: SandboxState) -> None:
        """Replace the state, whole or not at all."""
        draft = self.path / "state.json.new"
        draft.write_text(state.model_dump_json(by_alias=True, indent=2) + "\n")
        os.replace(draft, self.path / "state.json")  # noqa: PTH105 - the atomic one, by its name


def with_ports(state: SandboxState) -> SandboxState:
    """Return the state with a port for every cloud; ports once given stay."""
    missing = [cloud for cloud in CLOUDS if cloud not in state.clouds]
    new = dict(zip(missing, _free_ports(len(missing)), strict=True))
    added = {cloud: CloudState(port=port) for cloud, port in new.items()}
    return state.model_copy(update={"clouds": {**state.clouds, **added}})


def _free_ports(count: int) -> list[int]:
    """Return free ports, all different: they are held open together."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
