"""The checks, one after the other; one that cannot be made is a warning and hides no other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from deployer.errors import AccessDeniedError, NotFoundError, ProviderError, TransientError
from deployer.ports import Finding, Manifest, ObjectRef, Severity
from deployer.providers.kube.api import KubeApi
from deployer.providers.kube.kinds import Kind, Kinds
from deployer.providers.kube.preflight.access import check_access
from deployer.providers.kube.preflight.demand import Demand, demands_of
from deployer.providers.kube.preflight.room import check_limits, check_nodes, check_quotas
from deployer.providers.kube.preflight.supplies import check_secrets, check_storage
from deployer.providers.kube.preflight.version import check_version

__all__ = ["check_cluster"]


def check_cluster(
    api: KubeApi, kinds: Kinds, namespace: str, manifests: Sequence[Manifest], *, thorough: bool
) -> tuple[Finding, ...]:
    """See `Cluster.preflight`.

    Raises:
        TransientError, SetupError: The cluster does not answer, or there is no way in.
    """
    found = [check_version(api.read("/version", resource="the cluster's version"))]
    served, missing = _find_kinds(kinds, manifests)
    found += missing
    exists = _has_namespace(api, namespace)
    found += check_access(api, namespace, served, make_namespace=exists is False)
    if not thorough:
        return tuple(found)
    if exists is False:
        found.append(
            Finding("namespace", Severity.OK, f"namespace {namespace} is made by the first deploy")
        )
    demands = demands_of(manifests)
    for name, check in _room_checks(api, namespace, manifests, demands):
        found += _guarded(name, check)
    return tuple(found)


def _room_checks(
    api: KubeApi, namespace: str, manifests: Sequence[Manifest], demands: Sequence[Demand]
) -> Iterator[tuple[str, Callable[[], Iterable[Finding]]]]:
    yield "quota", partial(check_quotas, api, namespace, demands)
    yield "limits", partial(check_limits, api, namespace, demands)
    yield "nodes", partial(check_nodes, api, demands)
    yield "storage", partial(check_storage, api, manifests)
    yield "secrets", partial(check_secrets, api, namespace, manifests)


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except TransientError:
        raise
    except AccessDeniedError as error:
        return [Finding(name, Severity.WARNING, f"unknown, not allowed to look: {error.message}")]
    except ProviderError as error:
        return [Finding(name, Severity.WARNING, f"unknown: {error.message}")]


def _find_kinds(kinds: Kinds, manifests: Sequence[Manifest]) -> tuple[list[Kind], list[Finding]]:
    """Return the kinds that the cluster serves, and a finding for each that it does not."""
    served: dict[tuple[str, str], Kind] = {}
    missing: dict[tuple[str, str], Finding] = {}
    for ref in map(ObjectRef.of, manifests):
        key = (ref.api_version, ref.kind)
        if key in served or key in missing:
            continue
        kind = kinds.find(*key)
        if kind is not None:
            served[key] = kind
        else:
            missing[key] = _missing(ref)
    if not missing:
        words = f"all {len(served)} kinds of objects are known"
        return list(served.values()), [Finding("kinds", Severity.OK, words)]
    return list(served.values()), list(missing.values())


def _missing(ref: ObjectRef) -> Finding:
    return Finding(
        "kinds",
        Severity.ERROR,
        f"the cluster knows no kind {ref.kind} in {ref.api_version} (wanted for {ref.name})",
        "Install what brings it (its CustomResourceDefinition): `kubectl api-resources` lists "
        "what there is.",
    )


def _has_namespace(api: KubeApi, namespace: str) -> bool | None:
    """Return whether it is there; None when we may not look."""
    try:
        api.read(f"/api/v1/namespaces/{namespace}", resource=f"Namespace/{namespace}")
    except NotFoundError:
        return False
    except AccessDeniedError:
        return None
    return True
