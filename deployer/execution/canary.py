"""A canary's way in, and its part of what routers send to its target."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from deployer.errors import DeployerError, TransientError
from deployer.execution.context import Context
from deployer.execution.endpoints import await_endpoints
from deployer.execution.finish import find_backends, write_backends
from deployer.parallel import ask_each
from deployer.plan.model import Open, Route, Share
from deployer.ports import Cluster, HttpRequest
from deployer.release.records import Backend, Routes, TargetBundle

__all__ = ["knock_on", "write_shares"]

T = TypeVar("T")

_WHOLE = 1000
_KNOCK_SECONDS = 5.0
_POLL_SECONDS = 0.5
_ENDPOINT_SECONDS = 10.0


def knock_on(step: Open, part: TargetBundle, context: Context) -> str:
    """Return the canary's address once it has one, leads to its pods, and answers.

    Where the stable address can't be reached from here, as inside a cloud's network, only routers
    can tell whether the canary's can: they send nothing to what does not answer their probes.

    Raises:
        TransientError: That did not come about in the target's time; it is no fault of the release.
    """
    cluster = context.provider(step.target).cluster
    await_endpoints(cluster, part, _service(part), context)
    stable = _ask(part.endpoint or cluster.endpoint(part.service), part, context)
    url = _await(lambda: _find_url(cluster, part), "has no address", part, context)
    if stable is None:
        return f"{url}; not asked: the stable address does not answer here either"
    _await(
        lambda: _ask(url, part, context) in (stable, 200) or None,
        f"does not answer at {url} as the stable one does",
        part,
        context,
    )
    return url


def write_shares(step: Share, context: Context) -> str:
    """Write routes with a canary beside what each target serves, and let routers follow.

    What is live does not change by it.

    Raises:
        TransientError: A canary's address can't be found; nothing was written.
    """
    known = context.state.read_routes()
    serving = Route(release=step.stable, live=step.live, drained=step.drained)
    stable = find_backends(serving, context, known)
    urls = _find_urls(step, stable, context, known)
    backends = tuple(
        backend for each in stable for backend in _split(each, step, urls.get(each.target))
    )
    write_backends(step.stable, backends, context, known)
    _settle(step, context)
    if not urls:
        return "no canary any more"
    return ", ".join(f"{name} {step.shares[name] / _WHOLE:.0%}" for name in urls)


def _split(backend: Backend, step: Share, url: str | None) -> tuple[Backend, ...]:
    if url is None:
        return (backend,)
    part = step.shares[backend.target]
    canary = {"release": step.release, "url": url, "share": part}
    return (
        backend.model_copy(update={"share": _WHOLE - part}),
        backend.model_copy(update=canary),
    )


def _find_urls(
    step: Share, stable: tuple[Backend, ...], context: Context, known: Routes | None
) -> dict[str, str]:
    """Return the canary's address on each target that has a share; as known where none is told."""
    names = [backend.target for backend in stable if backend.target in step.shares]
    calls: dict[str, Callable[[], str | None]] = {
        name: partial(_find_url, context.provider(name).cluster, context.part(name, step.release))
        for name in names
    }
    found = ask_each(calls, timeout_seconds=_ENDPOINT_SECONDS, what="finding the canary")
    old = {b.target: b.url for b in (known.backends if known else ()) if b.release == step.release}
    urls = {}
    for name, answer in found.items():
        url = None if isinstance(answer, DeployerError) else answer
        if not (url := url or old.get(name)):
            why = answer.message if isinstance(answer, DeployerError) else "it has none"
            raise _out_of_reach(name, f"cannot be found: {why}")
        urls[name] = url
    return urls


def _find_url(cluster: Cluster, part: TargetBundle) -> str | None:
    return part.canary_endpoint or cluster.endpoint(_service(part))


def _service(part: TargetBundle) -> str:
    return str(part.canary[0]["metadata"]["name"])


def _settle(step: Share, context: Context) -> None:
    deadline = context.clock.monotonic() + step.settle_seconds
    while (left := deadline - context.clock.monotonic()) > 0:
        context.check()
        context.clock.sleep(min(left, _POLL_SECONDS))


def _ask(url: str | None, part: TargetBundle, context: Context) -> int | None:
    """Return the status of an answer from ``url``; None when there is none."""
    if url is None or context.probe is None:
        return None
    request = HttpRequest(path=part.ready_path)
    try:
        return context.probe.send(url, request, timeout_seconds=_KNOCK_SECONDS).status
    except TransientError:
        return None


def _await(look: Callable[[], T | None], what: str, part: TargetBundle, context: Context) -> T:
    clock = context.clock
    deadline = clock.monotonic() + part.timeout_seconds
    while True:
        context.check()
        if (found := look()) is not None:
            return found
        if clock.monotonic() >= deadline:
            raise _out_of_reach(part.target, f"{what} after {part.timeout_seconds:g} s")
        clock.sleep(_POLL_SECONDS)


def _out_of_reach(target: str, why: str) -> TransientError:
    return TransientError(
        f"{target}: the canary's way in {why}",
        operation="open",
        resource=target,
        hint="The old release serves on. Look at the Service or host whose name ends in -canary.",
    )
