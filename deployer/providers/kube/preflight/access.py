"""Whether we may do what a deploy does: asked verb by verb, with the Role to ask for if not."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deployer.ports import Finding, Severity
from deployer.providers.kube.api import KubeApi
from deployer.providers.kube.kinds import Kind

__all__ = ["check_access"]

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_PARALLEL = 8
_WRITTEN = ("get", "list", "watch", "create", "patch", "delete")
_READ: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("", "pods", ("get", "list", "watch")),
    ("", "pods/log", ("get",)),
    ("", "events", ("list",)),
    ("", "services/proxy", ("get", "create")),
    ("discovery.k8s.io", "endpointslices", ("list", "watch")),
)
"""What waiting, explaining and smoke requests read, by group, resource and verbs."""


@dataclass(frozen=True, slots=True)
class _Right:
    group: str
    resource: str
    verb: str
    namespaced: bool = True

    def __str__(self) -> str:
        where = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{where}"


def check_access(
    api: KubeApi, namespace: str, kinds: Sequence[Kind], *, make_namespace: bool
) -> list[Finding]:
    """Ask for each verb that a deploy of these kinds needs; all that lack are one finding."""
    rights = list(_rights(kinds, make_namespace=make_namespace))
    with ThreadPoolExecutor(_PARALLEL) as pool:
        allowed = list(pool.map(lambda right: _may(api, namespace, right), rights))
    lacking = [right for right, may in zip(rights, allowed, strict=True) if not may]
    if not lacking:
        return [Finding("permissions", Severity.OK, f"all {len(rights)} rights are there")]
    named = ", ".join(str(right) for right in lacking[:_NAMED])
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return [
        Finding(
            "permissions",
            Severity.ERROR,
            f"{len(lacking)} of {len(rights)} rights lack in namespace {namespace}: {named}{more}",
            _role(namespace, lacking),
        )
    ]


_NAMED = 4


def _rights(kinds: Sequence[Kind], *, make_namespace: bool) -> Iterator[_Right]:
    groups = dict.fromkeys((_group(k.api_version), k.plural, k.namespaced) for k in kinds)
    groups.setdefault(("", "configmaps", True))  # the inventory
    for group, resource, namespaced in groups:
        for verb in _WRITTEN:
            yield _Right(group, resource, verb, namespaced)
    for group, resource, verbs in _READ:
        for verb in verbs:
            yield _Right(group, resource, verb)
    if make_namespace:
        yield _Right("", "namespaces", "create", namespaced=False)


def _may(api: KubeApi, namespace: str, right: _Right) -> bool:
    resource, _, part = right.resource.partition("/")
    attributes = {
        "namespace": namespace if right.namespaced else "",
        "group": right.group,
        "resource": resource,
        "subresource": part,
        "verb": right.verb,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = api.create(_PATH, body, resource="our own rights")
    return bool(answer["status"].get("allowed"))


def _role(namespace: str, lacking: Sequence[_Right]) -> str:
    """Return the least Role that would do, as YAML to hand to whoever may grant it."""
    within = [right for right in lacking if right.namespaced]
    beyond = [right for right in lacking if not right.namespaced]
    parts = []
    if within:
        parts.append(_describe("Role", f"  namespace: {namespace}\n", within))
    if beyond:
        parts.append(_describe("ClusterRole", "", beyond))
    return "Have this granted to the identity that deploys:\n" + "---\n".join(parts)


def _describe(kind: str, namespace: str, rights: Sequence[_Right]) -> str:
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.resource), []).append(right.verb)
    rules: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), wanted in verbs.items():
        rules.setdefault((group, tuple(wanted)), []).append(resource)
    lines = [
        f'- {{apiGroups: ["{group}"], resources: [{", ".join(resources)}], '
        f"verbs: [{', '.join(wanted)}]}}\n"
        for (group, wanted), resources in rules.items()
    ]
    return (
        f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\n"
        f"metadata:\n  name: deployer\n{namespace}rules:\n{''.join(lines)}"
    )


def _group(api_version: str) -> str:
    return api_version.partition("/")[0] if "/" in api_version else ""
