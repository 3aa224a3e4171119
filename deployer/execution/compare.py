"""How live objects differ from wanted ones, asked of every cluster by a dry run. Writes nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from deployer.errors import DeployerError, TransientError
from deployer.execution.session import Session
from deployer.parallel import ask_each
from deployer.plan import Plan
from deployer.ports import Applied, ApplyOptions, ApplyResult, FieldDiff, FieldOwner
from deployer.ports.applyset import set_id
from deployer.release.records import TargetBundle

__all__ = ["ObjectDiff", "TargetDiff", "diff_plan", "find_drift"]

_SECONDS = 60.0

_Op = Literal["create", "change", "keep", "scale", "delete", "conflict", "refused"]


@dataclass(frozen=True, slots=True)
class ObjectDiff:
    """What differs of one object.

    Attributes:
        op: ``conflict``: others own a field, and an apply would fail; ``refused``: the cluster
            would not have it, ``why`` says so.
    """

    op: _Op
    kind: str
    name: str
    fields: tuple[FieldDiff, ...] = ()
    conflicts: tuple[FieldOwner, ...] = ()
    yielded: tuple[FieldOwner, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class TargetDiff:
    """One target's objects; with ``unknown``, why nothing can be said of them."""

    target: str
    release: int
    objects: tuple[ObjectDiff, ...] = ()
    unknown: str = ""

    @property
    def differs(self) -> bool:
        """Whether any object is not as it should be."""
        return any(item.op != "keep" for item in self.objects)


def diff_plan(session: Session, plan: Plan) -> tuple[TargetDiff, ...]:
    """Return what running ``plan`` would change on each target, object by object."""
    extra = {
        part.target: [
            ObjectDiff(change.op, change.kind, change.name)
            for change in part.changes
            if change.op in ("scale", "delete")
        ]
        for part in plan.targets
    }
    wanted = {part.target: (plan.release, part) for part in plan.bundle.targets}
    return tuple(
        TargetDiff(
            found.target,
            found.release,
            (*found.objects, *extra[found.target]) if not found.unknown else (),
            found.unknown,
        )
        for found in _compare(session, wanted)
    )


def find_drift(session: Session) -> tuple[TargetDiff, ...]:
    """Return how each target differs from the release that is live on it, in fields we own.

    Fields that are yielded are their owners' and cannot drift. An object that is back at what was
    released, but owned by somebody else too, has not drifted.

    Raises:
        StateError: The record cannot be read.
    """
    head = session.state.read_head()
    live = head.live if head else {}
    parts = {name: session.state.read_release(n).target(name) for name, n in sorted(live.items())}
    wanted = {
        name: (live[name], part)
        for name, part in parts.items()
        if part is not None and name in session.providers
    }
    found = {diff.target: _only_fields(diff) for diff in _compare(session, wanted)}
    return tuple(found.get(name) or _orphan(name, live[name]) for name in parts)


def _compare(
    session: Session, wanted: Mapping[str, tuple[int, TargetBundle]]
) -> Iterable[TargetDiff]:
    calls: dict[str, Callable[[], tuple[ApplyResult, ...]]] = {
        name: partial(_dry_run, session, part) for name, (_, part) in wanted.items()
    }
    answers = ask_each(calls, timeout_seconds=_SECONDS, what="comparing the objects")
    for name, (release, _) in wanted.items():
        answer = answers[name]
        if isinstance(answer, DeployerError):
            yield TargetDiff(name, release, unknown=answer.message)
        else:
            yield TargetDiff(name, release, tuple(map(_describe, answer)))


def _dry_run(session: Session, part: TargetBundle) -> tuple[ApplyResult, ...]:
    cluster = session.providers[part.target].cluster
    options = ApplyOptions(
        policies=session.policies,
        dry_run=True,
        member_of=set_id(session.spec.name, cluster.namespace),
    )
    results = cluster.apply_all([*part.objects, part.shift], options)
    for result in results:
        if isinstance(result.error, TransientError):
            raise result.error
    return results


def _describe(result: ApplyResult) -> ObjectDiff:
    op: _Op
    if result.error is not None:
        op = "refused"
    elif result.conflicts:
        op = "conflict"
    else:
        words: dict[Applied | None, _Op] = {Applied.CREATED: "create", Applied.UNCHANGED: "keep"}
        op = words.get(result.applied, "change")
    return ObjectDiff(
        op,
        result.ref.kind,
        result.ref.name,
        result.fields,
        result.conflicts,
        result.yielded,
        result.error.message if result.error else "",
    )


def _only_fields(diff: TargetDiff) -> TargetDiff:
    """Leave out objects of which nothing but who owns them would change."""
    kept = tuple(item for item in diff.objects if item.op in ("create", "refused") or item.fields)
    return TargetDiff(diff.target, diff.release, kept, diff.unknown)


def _orphan(target: str, release: int) -> TargetDiff:
    return TargetDiff(target, release, unknown="the spec has no target of this name any more")
