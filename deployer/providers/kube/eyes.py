"""Looking at live objects: how they do, what happened to them, what their containers say."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from deployer.errors import NotFoundError, ProviderError
from deployer.ports import Clock, Manifest, ObjectRef, Readiness
from deployer.providers.kube.api import KubeApi
from deployer.providers.kube.explain import describe_events, events_of, pick_pod
from deployer.providers.kube.readiness import endpoint_pods, owned_pods, pod_selector
from deployer.providers.kube.watch import Watching, watch_objects
from deployer.providers.pods import failing_container, pod_state
from deployer.providers.readiness import Evidence, has_pods, judge
from deployer.providers.watching import EXPLAINING_LINES

__all__ = ["Eyes"]


class Eyes:
    """The reading side of `KubeCluster`, in one namespace.

    Args:
        locate: Returns the path of an object.
        find: Reads one object.
    """

    def __init__(
        self,
        api: KubeApi,
        locate: Callable[[ObjectRef], str],
        find: Callable[[ObjectRef], Manifest | None],
        *,
        namespace: str,
        clock: Clock,
    ) -> None:
        self._api, self._locate, self._find, self._clock = api, locate, find, clock
        self._core = f"/api/v1/namespaces/{namespace}"
        self._slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"

    def judge_now(self, ref: ObjectRef) -> Readiness:
        """See `Cluster.readiness`."""
        live = self._find(ref)
        evidence = Evidence() if live is None else self._evidence(ref, live)
        return judge(ref, live, evidence, now=self._clock.now())

    def follow(
        self, refs: Sequence[ObjectRef]
    ) -> Generator[Mapping[ObjectRef, Readiness], None, None]:
        """See `Cluster.follow`."""
        watching = Watching(
            self._api,
            refs,
            locate=self._locate,
            find=self._find,
            events=self._reasons,
            clock=self._clock,
        )
        return watch_objects(watching)

    def explain(self, ref: ObjectRef) -> str:
        """See `Cluster.explain`; that a part cannot be had must not hide the rest."""
        live = self._find(ref)
        pod = None
        if live is not None and has_pods(ref):
            pod = pick_pod(self._pods(ref, live), lambda each: pod_state(each).ready)
        parts = [self._tell_events(ref, pod), self._tell_log(pod) if pod else ""]
        return "\n".join(filter(None, parts))

    def logs(self, ref: ObjectRef, *, lines: int) -> str:
        """See `Cluster.logs`."""
        live = self._find(ref)
        pods = self._pods(ref, live) if live else ()
        return "\n".join(text for pod in pods for text in self._read_logs(pod, lines))

    def _evidence(self, ref: ObjectRef, live: Manifest) -> Evidence:
        if has_pods(ref):
            return Evidence(pods=self._pods(ref, live))
        if ref.kind == "Service":
            query = {"labelSelector": f"kubernetes.io/service-name={ref.name}"}
            slices = self._list(self._slices, "every EndpointSlice", query)
            return Evidence(endpoints=endpoint_pods(slices))
        if ref.kind == "PersistentVolumeClaim":
            return Evidence(events=self._reasons(ref))
        return Evidence()

    def _pods(self, ref: ObjectRef, live: Manifest) -> Sequence[Manifest]:
        """Return the workload's pods, newest first."""
        if ref.kind == "Pod":
            return [live]
        query = {"labelSelector": pod_selector(live)}
        return owned_pods(live, self._list(f"{self._core}/pods", "every Pod", query))

    def _reasons(self, ref: ObjectRef) -> frozenset[str]:
        return frozenset(str(each.get("reason")) for each in self._events(ref))

    def _events(self, ref: ObjectRef) -> list[Any]:
        query = {"fieldSelector": events_of(ref), "limit": 100}
        return self._list(f"{self._core}/events", f"the events of {ref}", query)

    def _list(self, path: str, resource: str, query: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = self._api.read(path, resource=resource, query=query)["items"]
        return found

    def _tell_events(self, ref: ObjectRef, pod: Manifest | None) -> str:
        try:
            events = self._events(ref)
            if pod is not None and ref.kind != "Pod":
                events += self._events(ObjectRef("v1", "Pod", pod["metadata"]["name"]))
        except ProviderError as error:
            return f"(no events: {error.message})"
        return "\n".join(describe_events(events, self._clock.now()))

    def _tell_log(self, pod: Manifest) -> str:
        container = failing_container(pod)
        if container is None:
            return ""
        name = pod["metadata"]["name"]
        try:
            text = self._read_log(name, container, EXPLAINING_LINES).rstrip()
        except ProviderError as error:
            text = f"(no log: {error.message})"
        return f"{name} {container['name']}:\n{text}" if text else ""

    def _read_logs(self, pod: Manifest, lines: int) -> Iterator[str]:
        name = pod["metadata"]["name"]
        status = pod.get("status") or {}
        for container in [
            *(status.get("initContainerStatuses") or ()),
            *(status.get("containerStatuses") or ()),
        ]:
            text = self._read_log(name, container, lines)
            if text:
                yield f"{name} {container['name']}:\n{text.rstrip()}"

    def _read_log(self, pod: str, container: Manifest, lines: int) -> str:
        """Return the end of the log; of the run before when this one has not begun."""
        waits = "waiting" in (container.get("state") or {})
        if waits and not container.get("restartCount"):
            return ""
        query: dict[str, Any] = {"container": container["name"], "tailLines": lines}
        if waits:
            query["previous"] = "true"
        path = f"{self._core}/pods/{pod}/log"
        try:
            return self._api.read_text(path, resource=f"the log of Pod/{pod}", query=query)
        except NotFoundError:
            return ""
