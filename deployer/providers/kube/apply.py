"""Applies many objects to one namespace: in phases, side by side, each written at most once."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from deployer.errors import NotFoundError, PreconditionError, ProviderError, TransientError
from deployer.ports import (
    Applied,
    ApplyOptions,
    ApplyResult,
    Clock,
    FieldOwner,
    Manifest,
    ObjectRef,
    Policy,
)
from deployer.ports.applyset import MEMBER_LABEL
from deployer.providers.batch import (
    as_member,
    check_batch,
    describe_conflict,
    refuse_foreign,
)
from deployer.providers.differences import diff_fields
from deployer.providers.kube.errors import read_conflicts
from deployer.providers.kube.fields import changes_nothing
from deployer.providers.kube.kinds import defined_kinds
from deployer.providers.kube.objects import FIELD_MANAGER, KubeObjects
from deployer.providers.kube.ownership import (
    find_owners,
    is_applied,
    migrate_fields,
    old_managers,
)
from deployer.providers.phases import in_phases
from deployer.providers.policies import is_autoscalers, leave_out, policy_for, yielded_paths
from deployer.retry import Backoff

__all__ = ["IN_FLIGHT", "Applier"]

IN_FLIGHT = 8
"""Requests at once: more are no faster against one API server, and priority and fairness answers
them with 429."""

_TRIES = 6
_BACKOFF = Backoff(base_seconds=0.06)
"""A controller that has just seen a new Deployment writes its status several times in a row."""

_ESTABLISHED_SECONDS = 30.0
_POLL_SECONDS = 0.2

_Live = Mapping[ObjectRef, Manifest]


class Applier:
    """See `Cluster.apply_all`."""

    def __init__(self, objects: KubeObjects, clock: Clock) -> None:
        self._objects, self._clock = objects, clock

    def apply_all(
        self, manifests: Sequence[Manifest], options: ApplyOptions
    ) -> tuple[ApplyResult, ...]:
        """See `Cluster.apply_all`.

        Members of the set are read by one list per kind. What is there as it should be is not
        written; the rest costs one PATCH each, on the condition that it is as it was read.
        """
        brought = defined_kinds(manifests)
        check_batch(
            manifests,
            namespace=self._objects.namespace,
            scope=lambda manifest: self._is_namespaced(manifest, brought),
        )
        results: dict[ObjectRef, ApplyResult] = {}
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            live = self._look(manifests, options, pool)
            for phase in in_phases(manifests):
                options.guard()
                done = pool.map(lambda m: self._apply(m, live.get(ObjectRef.of(m)), options), phase)
                results |= {result.ref: result for result in done}
                if any(result.error for result in results.values()):
                    break
                self._learn_kinds(phase, options)
        refs = map(ObjectRef.of, manifests)
        return tuple(results[ref] for ref in refs if ref in results)

    def _is_namespaced(
        self, manifest: Manifest, brought: Mapping[tuple[str, str], bool]
    ) -> bool | None:
        key = (manifest["apiVersion"], manifest["kind"])
        found = self._objects.kinds.find(*key)
        return brought.get(key) if found is None else found.namespaced

    def _look(
        self, manifests: Sequence[Manifest], options: ApplyOptions, pool: ThreadPoolExecutor
    ) -> _Live:
        """Return what is live of the set; an object outside of it turns up when it is written."""
        if not options.member_of:
            return {}
        keys = {(manifest["apiVersion"], manifest["kind"]) for manifest in manifests}
        kinds = [kind for key in sorted(keys) if (kind := self._objects.kinds.find(*key))]
        selector = f"{MEMBER_LABEL}={options.member_of}"
        lists = pool.map(lambda kind: self._objects.list(kind, selector), kinds)
        return {ObjectRef.of(found): found for manifests in lists for found in manifests}

    def _learn_kinds(self, phase: Sequence[Manifest], options: ApplyOptions) -> None:
        brought = [m for m in phase if m["kind"] == "CustomResourceDefinition"]
        if brought and not options.dry_run:
            for manifest in brought:
                self._wait_established(ObjectRef.of(manifest))
            self._objects.kinds.forget()

    def _wait_established(self, ref: ObjectRef) -> None:
        deadline = self._clock.monotonic() + _ESTABLISHED_SECONDS
        while not _is_established(self._objects.find(ref)):
            if self._clock.monotonic() > deadline:
                raise TransientError(
                    f"{ref} was not established in {_ESTABLISHED_SECONDS:g} s",
                    operation="apply",
                    resource=str(ref),
                )
            self._clock.sleep(_POLL_SECONDS)

    def _apply(
        self, manifest: Manifest, live: Manifest | None, options: ApplyOptions
    ) -> ApplyResult:
        ref = ObjectRef.of(manifest)
        try:
            kind = self._objects.kinds.find(ref.api_version, ref.kind)
            if kind is None and options.dry_run:
                return ApplyResult(ref, Applied.CREATED)
            member = kind is not None and kind.namespaced
            wanted = as_member(manifest, options.member_of) if member else manifest
            return self._settle(wanted, live, options)
        except ProviderError as error:
            return ApplyResult(ref, None, error=error)

    def _settle(
        self, wanted: Manifest, live: Manifest | None, options: ApplyOptions
    ) -> ApplyResult:
        """Write, and read again what has moved since it was read."""
        ref = ObjectRef.of(wanted)
        for count in range(_TRIES - 1):
            try:
                return self._write(wanted, live, options)
            except PreconditionError:
                self._clock.sleep(_BACKOFF.wait_seconds(count))
                live = self._objects.find(ref)
                options.guard()
        return self._write(wanted, live, options)

    def _write(self, wanted: Manifest, live: Manifest | None, options: ApplyOptions) -> ApplyResult:
        ref = ObjectRef.of(wanted)
        if live is not None:
            refuse_foreign(live, options.member_of)
            live = self._take_over_old(live, options)
        yielded = [] if live is None else _yielded(wanted, live, options.policies)
        body = leave_out(wanted, [owner.path for owner in yielded])
        if live is not None and is_applied(body, live, manager=FIELD_MANAGER):
            return ApplyResult(ref, Applied.UNCHANGED, yielded=tuple(yielded))
        try:
            return self._patch(ref, body, live, yielded, options)
        except NotFoundError:
            if live is not None:
                raise PreconditionError(
                    f"{ref} has gone", operation="apply", resource=str(ref)
                ) from None
            if not options.dry_run:
                self._objects.make_namespace()
                return self._patch(ref, body, live, yielded, options)
            return ApplyResult(ref, Applied.CREATED)

    def _patch(
        self,
        ref: ObjectRef,
        body: Manifest,
        live: Manifest | None,
        yielded: list[FieldOwner],
        options: ApplyOptions,
    ) -> ApplyResult:
        answer = self._objects.send(ref, body, at=live or {}, dry_run=options.dry_run)
        owners = read_conflicts(answer.body) if answer.status == HTTPStatus.CONFLICT else ()
        blocked: list[FieldOwner] = []
        if owners and live is not None:
            decided = _decide(owners, body, live, options)
            blocked = [owner for owner in owners if decided[owner] is Policy.FAIL]
            if blocked and not options.dry_run:
                raise describe_conflict(ref, blocked)
            yielded = [*yielded, *(o for o in owners if decided[o] is Policy.YIELD)]
            body = leave_out(body, [owner.path for owner in yielded])
            forced = any(policy is not Policy.YIELD for policy in decided.values())
            answer = self._objects.send(ref, body, at=live, dry_run=options.dry_run, force=forced)
        elif owners:
            raise PreconditionError(f"{ref} is there", operation="apply", resource=str(ref))
        after = self._objects.decode(ref, answer)
        fields = () if live is None else diff_fields(live, after)
        return ApplyResult(
            ref,
            _verdict(body, live, after, options),
            fields=fields,
            yielded=tuple(yielded),
            conflicts=tuple(blocked),
        )

    def _take_over_old(self, live: Manifest, options: ApplyOptions) -> Manifest:
        """Take over, once, what kubectl or helm wrote before server-side apply."""
        ref = ObjectRef.of(live)
        if options.dry_run or not old_managers(live, api_version=ref.api_version):
            return live
        moved = migrate_fields(live, api_version=ref.api_version, manager=FIELD_MANAGER)
        return self._objects.replace_managers(ref, live, moved)


def _is_established(crd: Manifest | None) -> bool:
    conditions: Sequence[Any] = ((crd or {}).get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def _yielded(wanted: Manifest, live: Manifest, policies: Mapping[str, Policy]) -> list[FieldOwner]:
    """Return the fields to leave out from the start: others own them, and we do not."""
    owners = [
        owner
        for path in yielded_paths(wanted, policies)
        for owner in find_owners(live, path, manager=FIELD_MANAGER)
    ]
    replicas = find_owners(live, "spec.replicas", manager=FIELD_MANAGER)
    return [
        *owners,
        *(o for o in replicas if is_autoscalers(o) and policy_for(o, wanted, policies) == "yield"),
    ]


def _decide(
    owners: Sequence[FieldOwner], body: Manifest, live: Manifest, options: ApplyOptions
) -> dict[FieldOwner, Policy]:
    """Return what to do about each; a dry run forces what would have been taken over before."""
    old = old_managers(live, api_version=body["apiVersion"])
    return {
        owner: Policy.FORCE if owner.manager in old else policy_for(owner, body, options.policies)
        for owner in owners
    }


def _verdict(
    body: Manifest, live: Manifest | None, after: Manifest, options: ApplyOptions
) -> Applied:
    if live is None:
        return Applied.CREATED
    if not options.dry_run:
        same = live["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    else:
        same = changes_nothing(body, live, after, manager=FIELD_MANAGER)
    return Applied.UNCHANGED if same else Applied.CHANGED
