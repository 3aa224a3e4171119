"""The loop: read the objects, make the pods so, write what became of it."""

import asyncio
import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from typing import IO, Any

from deployer.errors import QuotaError
from deployer.ports import Clock
from deployer.providers.local.cluster_folder import ClusterFolder, read_json, write_json
from deployer.providers.local.lifecycle import MARKER
from deployer.providers.local.supervisor.namespaces import NamespaceRunner

__all__ = ["Supervisor"]

_POLL_SECONDS = 0.05
_RECONCILE_SECONDS = 0.5
_BEAT_SECONDS = 1.0
_SHUTDOWN_GRACE_SECONDS = 10.0


class Supervisor:
    """Runs one cluster until `stop` is set or its folder is gone.

    Args:
        lock: The locked file that says this supervisor is the only one.
    """

    def __init__(self, folder: ClusterFolder, lock: IO[bytes], clock: Clock) -> None:
        self.stop = asyncio.Event()
        self._folder, self._lock, self._clock = folder, lock, clock
        self._instance = uuid.uuid4().hex[:12]
        self._namespaces: dict[str, NamespaceRunner] = {}
        self._dirty = True
        self._seen = 0
        self._guardian: subprocess.Popen[bytes] | None = None

    async def run(self) -> None:
        """Bring up what the objects ask for and keep it so; on the way out, stop it all."""
        self._start_guardian()
        beat = asyncio.create_task(self._beat())
        try:
            self._resume()
            await self._reconcile()
            self._announce()
            while not self.stop.is_set():
                await self._wait_for_change()
                await self._reconcile()
        finally:
            beat.cancel()
            await self._shut_down()

    def _start_guardian(self) -> None:
        command = [sys.executable, "-m", "deployer.providers.local.supervisor.guardian"]
        self._guardian = subprocess.Popen(  # noqa: S603 - our own module
            [*command, MARKER, str(self._folder.path), self._instance],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _resume(self) -> None:
        for name in self._folder.list_namespaces():
            self._namespace(name).resume()

    def _announce(self) -> None:
        """Say that all statuses are ours from now on."""
        guardian = self._guardian.pid if self._guardian else None
        record = {"pid": os.getpid(), "guardian": guardian, "instance": self._instance}
        os.utime(self._folder.supervisor_lock)
        write_json(self._folder.supervisor_file, record)

    async def _reconcile(self) -> None:
        self._dirty = False
        for name in self._folder.list_namespaces():
            try:
                await self._namespace(name).reconcile()
            except (OSError, ValueError, LookupError, TypeError, QuotaError) as error:
                # One unreadable object must not take the others down; it is read again soon.
                self._say(f"namespace {name}: {type(error).__name__}: {error}")

    async def _wait_for_change(self) -> None:
        """Return at the next change of an object or a pod, or after half a second."""
        deadline = self._clock.monotonic() + _RECONCILE_SECONDS
        while not self._dirty and not self.stop.is_set():
            await asyncio.sleep(_POLL_SECONDS)
            if self._changed() or self._clock.monotonic() > deadline:
                return

    def _changed(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            stamp = self._folder.changes.stat().st_mtime_ns
            if stamp != self._seen:
                self._seen = stamp
                return True
        return False

    async def _beat(self) -> None:
        """Show that we live, watch the guardian, rotate logs; go when our folder is gone."""
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            if not self._owns_folder():
                self.stop.set()
                return
            with contextlib.suppress(OSError):  # the folder may go at any moment
                self._look_after_things()

    def _look_after_things(self) -> None:
        os.utime(self._folder.supervisor_lock)
        if self._guardian is not None and self._guardian.poll() is not None:
            self._start_guardian()
            self._announce()
        for namespace in self._namespaces.values():
            namespace.rotate_logs()

    def _owns_folder(self) -> bool:
        try:
            found = self._folder.supervisor_lock.stat()
        except OSError:
            return False
        return found.st_ino == os.fstat(self._lock.fileno()).st_ino

    async def _shut_down(self) -> None:
        stops: Sequence[Coroutine[Any, Any, None]] = [
            namespace.stop(_SHUTDOWN_GRACE_SECONDS) for namespace in self._namespaces.values()
        ]
        await asyncio.gather(*stops)
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.close()
            await asyncio.to_thread(self._guardian.wait)

    def _namespace(self, name: str) -> NamespaceRunner:
        if name not in self._namespaces:
            self._namespaces[name] = NamespaceRunner(
                self._folder,
                name,
                mark=f"{self._folder.path}:{self._instance}:",
                images=self._read_images,
                clock=self._clock,
                on_change=self._note,
            )
        return self._namespaces[name]

    def _note(self) -> None:
        self._dirty = True

    def _read_images(self) -> Mapping[str, Sequence[str]]:
        return dict(read_json(self._folder.images) or {})

    def _say(self, text: str) -> None:
        sys.stderr.write(f"{self._clock.now():%FT%TZ} {text}\n")
        sys.stderr.flush()
