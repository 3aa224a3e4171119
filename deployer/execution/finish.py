"""The steps that write the deployment's own records: routes and head."""

from functools import partial

from deployer.errors import DeployerError
from deployer.execution.context import Context
from deployer.execution.head import change_head, read_head
from deployer.parallel import ask_each
from deployer.plan.model import Finish, Route
from deployer.release.records import Backend, Bundle, Mark, Routes, RouteSettings
from deployer.release.state import next_epoch

__all__ = ["find_backends", "publish_routes", "record_finish", "write_backends", "write_routes"]

_ENDPOINT_SECONDS = 10.0


def write_routes(step: Route, context: Context) -> str:
    """Write the routes for ``step.live`` and note in the head what is live now."""
    backends = publish_routes(step, context)
    change_head(context, read_head(context), live=step.live, desired=step.release or None)
    return ", ".join(f"{backend.target} {backend.weight}" for backend in backends) or "nothing"


def publish_routes(step: Route, context: Context) -> tuple[Backend, ...]:
    """Tell routers to send traffic to ``step.live`` and nowhere else."""
    known = context.state.read_routes()
    backends = find_backends(step, context, known)
    write_backends(step.release, backends, context, known)
    return backends


def find_backends(step: Route, context: Context, known: Routes | None) -> tuple[Backend, ...]:
    """Return where each target of ``step.live`` is reached; of one that does not say, as known."""
    urls = {backend.target: backend.url for backend in known.backends} if known else {}
    return _backends(step, context, urls)


def write_backends(
    release: int, backends: tuple[Backend, ...], context: Context, known: Routes | None
) -> None:
    """Write routes that come after those ``known``, with the settings of ``release``; 0: none."""
    context.check()
    context.state.write_routes(
        Routes(
            name=context.state.name,
            epoch=next_epoch(known.epoch if known else 0, context.lease.token),
            written=context.clock.now(),
            settings=context.bundle(release).routing if release else RouteSettings(),
            backends=backends,
        )
    )


def record_finish(step: Finish, context: Context) -> str:
    """Write what is desired and live, what is verified and quarantined; the run is over."""
    head = read_head(context)
    marks = dict(head.marks)
    if step.verified is not None:
        marks[step.verified] = _mark(context, marks, step.verified).model_copy(
            update={"verified": context.clock.now(), "quarantined": None}
        )
        marks[step.verified] = _with_verdicts(marks[step.verified], _passed(context))
    for number, verdict in step.undone.items():
        marks[number] = _with_verdicts(_mark(context, marks, number), {"run": verdict})
    for number, reason in step.quarantined.items():
        marks[number] = _mark(context, marks, number).model_copy(update={"quarantined": reason})
    change_head(context, head, live=step.live, desired=step.desired, marks=marks, run=None)
    return f"release {step.desired} is live" if step.desired else "nothing is live"


def _passed(context: Context) -> dict[str, str]:
    """Return what a release has passed; one text for all targets when they said the same."""
    passed = {"ready": "passed"}
    for gate, said in context.verdicts.items():
        texts = set(said.values())
        for target, text in sorted(said.items()):
            passed[gate if len(texts) == 1 else f"{gate} {target}"] = f"passed: {text}"
    return passed


def _with_verdicts(mark: Mark, verdicts: dict[str, str]) -> Mark:
    """Replace what an earlier run found out: the last one counts."""
    return mark.model_copy(update={"verdicts": verdicts})


def _backends(step: Route, context: Context, urls: dict[str, str]) -> tuple[Backend, ...]:
    if not step.release:
        return ()
    bundle = context.bundle(step.release)
    parts = [
        part
        for part in bundle.targets
        if part.target in step.live and part.target in context.providers
    ]
    weights = _weights(step, bundle)
    calls = {
        part.target: partial(context.providers[part.target].cluster.endpoint, part.service)
        for part in parts
        if part.endpoint is None
    }
    found = ask_each(calls, timeout_seconds=_ENDPOINT_SECONDS, what="finding the endpoint")
    backends = []
    for part in parts:
        answer = found.get(part.target)
        live = None if answer is None or isinstance(answer, DeployerError) else answer
        url = part.endpoint or live or urls.get(part.target)
        if url:
            backends.append(
                Backend(
                    target=part.target,
                    release=step.live[part.target],
                    url=url,
                    weight=weights.get(part.target, 0),
                    tier=bundle.routing.tiers.get(part.target, 0),
                    region=part.region,
                    shadow=bundle.routing.shadow.get(part.target, 0.0),
                )
            )
    return tuple(backends)


def _weights(step: Route, bundle: Bundle) -> dict[str, int]:
    """Take the weight from targets that were left behind, unless nobody else has any (D26, D27)."""
    left = {name: 0 if name in step.drained else bundle.weights.get(name, 0) for name in step.live}
    return left if any(left.values()) else bundle.weights


def _mark(context: Context, marks: dict[int, Mark], number: int) -> Mark:
    mark = marks.get(number, Mark())
    return (
        mark
        if mark.content
        else mark.model_copy(update={"content": context.bundle(number).content})
    )
