"""How several objects do, from watches: the objects' own, their pods' and their endpoints'."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from deployer.ports import Clock, Manifest, ObjectRef, Readiness
from deployer.providers.kube.api import KubeApi
from deployer.providers.kube.feed import Feed
from deployer.providers.kube.readiness import endpoint_pods, owned_pods, pod_selector
from deployer.providers.readiness import Evidence, has_pods, has_work, judge

__all__ = ["Watching", "watch_objects"]

_SECONDS = 0.5  # between two looks at the time, which makes some verdicts ripe


class Watching:
    """The feeds that tell of ``refs``.

    Args:
        locate: Returns the path of an object.
        find: Reads one object.
        events: Returns the reasons of an object's events.
    """

    def __init__(
        self,
        api: KubeApi,
        refs: Sequence[ObjectRef],
        *,
        locate: Callable[[ObjectRef], str],
        find: Callable[[ObjectRef], Manifest | None],
        events: Callable[[ObjectRef], frozenset[str]],
        clock: Clock,
    ) -> None:
        self._api, self._refs, self._clock = api, tuple(refs), clock
        self._locate, self._find, self._events = locate, find, events
        self._still: dict[ObjectRef, Manifest] = {}
        self._feeds: dict[tuple[ObjectRef, str], Feed] = {}
        self._changed = threading.Condition()
        self._changes = 0

    def open(self) -> None:
        """Read what is there; follow what has work to do, or is not there yet."""
        for ref in self._refs:
            found = None if has_work(ref) else self._find(ref)
            if found is not None:
                self._still[ref] = found
            else:
                self._follow(ref, "", _folder(self._locate(ref)), _named(ref))

    def close(self) -> None:
        """End all feeds."""
        for feed in self._feeds.values():
            feed.close()

    def look(self) -> dict[ObjectRef, Readiness]:
        """Judge all objects as they are now; raise what made a feed end."""
        return {ref: self._judge(ref) for ref in self._refs}

    def wait(self) -> None:
        """Return after the next change, or when the time should be looked at."""
        with self._changed:
            if not self._changes:
                self._changed.wait(_SECONDS)
            self._changes = 0

    def _judge(self, ref: ObjectRef) -> Readiness:
        live = self._still.get(ref) or next(iter(self._objects(ref, "")), None)
        evidence = Evidence() if live is None else self._evidence(ref, live)
        return judge(ref, live, evidence, now=self._clock.now())

    def _evidence(self, ref: ObjectRef, live: Manifest) -> Evidence:
        root = _namespace_of(self._locate(ref))
        if has_pods(ref) and ref.kind != "Pod":
            query = {"labelSelector": pod_selector(live)}
            self._follow(ref, "pods", f"/api/v1/{root}/pods", query)
            return Evidence(pods=owned_pods(live, self._objects(ref, "pods")))
        if ref.kind == "Pod":
            return Evidence(pods=[live])
        if ref.kind == "Service" and live["spec"].get("selector"):
            query = {"labelSelector": f"kubernetes.io/service-name={ref.name}"}
            path = f"/apis/discovery.k8s.io/v1/{root}/endpointslices"
            self._follow(ref, "endpoints", path, query)
            return Evidence(endpoints=endpoint_pods(self._objects(ref, "endpoints")))
        if ref.kind == "PersistentVolumeClaim":
            return Evidence(events=self._events(ref))
        return Evidence()

    def _follow(self, ref: ObjectRef, what: str, path: str, query: Mapping[str, Any]) -> None:
        if (ref, what) not in self._feeds:
            feed = Feed(self._api, path, query, clock=self._clock, changed=self._note)
            self._feeds[ref, what] = feed.start()

    def _objects(self, ref: ObjectRef, what: str) -> list[Manifest]:
        feed = self._feeds[ref, what]
        if feed.error is not None:
            raise feed.error
        return feed.objects()

    def _note(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()


def watch_objects(watching: Watching) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
    """See `Cluster.follow`."""
    try:
        watching.open()
        while True:
            yield watching.look()
            watching.wait()
    finally:
        watching.close()


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _named(ref: ObjectRef) -> dict[str, str]:
    return {"fieldSelector": f"metadata.name={ref.name}"}


def _namespace_of(path: str) -> str:
    """Return ``namespaces/NAME`` out of a path; empty for what lies in none."""
    parts = path.split("/")
    at = parts.index("namespaces") if "namespaces" in parts else len(parts)
    return "/".join(parts[at : at + 2])
