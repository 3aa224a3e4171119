"""What takes more than one field to see. Each check is a generator over the raw document.

They read the data as the user wrote it, not a validated `Spec`, so that a file with a wrong type
in one place still gets every other fault reported in the same run.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployer.errors import SpecError
from deployer.spec.abilities import check_abilities, check_scaling
from deployer.spec.cost_checks import check_costs
from deployer.spec.faults import suggest
from deployer.spec.gates import check_gates
from deployer.spec.library import find_runtime, load_runtime
from deployer.spec.objectives import check_slo
from deployer.spec.routing_checks import check_routing
from deployer.spec.secrets import is_secret_name, names_a_secret, seems_secret
from deployer.spec.strategy import check_strategy
from deployer.spec.tree import Finding, TreePath, dig
from deployer.values import Json

__all__ = ["Known", "run_checks"]


@dataclass(frozen=True, slots=True)
class Known:
    """What a spec may refer to: each runtime of the library with the formats it serves."""

    runtimes: Mapping[str, Collection[str]] = field(default_factory=dict)
    written: Collection[TreePath] = ()
    """Where the user wrote a reference to the environment."""
    folder: Path = Path()
    """What a runtime of the user's own is relative to."""


def run_checks(data: Json, known: Known) -> Iterator[Finding]:
    """Yield all that is wrong between fields; values of a wrong type are passed over."""
    yield from _check_target_names(data)
    yield from _check_signature(data)
    for index, target in _targets(data):
        yield from _check_cluster(target, ("targets", index))
        yield from _check_store(target, ("targets", index))
        yield from check_abilities(target, ("targets", index))
    yield from check_routing(data, _names(data))
    yield from _check_numbers(data)
    yield from check_costs(data, _names(data))
    yield from check_slo(data)
    yield from check_scaling(data)
    yield from check_strategy(data)
    yield from check_gates(data)
    yield from _check_runtime(data, known)
    yield from _check_env(data, known)
    yield from _check_credentials(data, ())
    yield from _check_patches(data)


_STORES = {"aws": "s3", "gcp": "gs", "azure": "az", "kubernetes": "s3", "local": "file"}
_KINDS = ("eks", "gke", "aks", "context", "kubeconfig", "local")
_FIELD_TAKERS = {
    "role": ("eks",),
    "project": ("gke",),
    "location": ("gke",),
    "subscription": ("aks",),
    "insecure": ("context", "kubeconfig"),
}
_STORE_TAKERS = {
    "endpoint": ("s3", "gs", "az"),
    "compat": ("s3",),
    "payer": ("s3", "gs"),
    "encryption": ("s3", "gs", "az"),
    "customer_key": ("s3", "gs", "az"),
}
_OWNERS = {"eks": "aws", "gke": "gcp", "aks": "azure"}
_RESERVED = {"MODEL_NAME", "MODEL_DIR", "MODEL_URI", "MODEL_DIGEST", "MODEL_HOST"}
_ELSEWHERE = "keep it in a Kubernetes Secret and refer to it with secretKeyRef in a patch"


def _targets(data: Json) -> Iterator[tuple[int, Json]]:
    targets = dig(data, "targets")
    for index, target in enumerate(targets if isinstance(targets, list) else ()):
        if isinstance(target, dict):
            yield index, target


def _names(data: Json) -> list[str]:
    return [target["name"] for _, target in _targets(data) if _is_text(target.get("name"))]


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _map(data: Json, *path: str | int) -> Mapping[str, Json]:
    value = dig(data, *path)
    return value if isinstance(value, dict) else {}


def _list(data: Json, *path: str | int) -> list[Json]:
    value = dig(data, *path)
    return value if isinstance(value, list) else []


def _check_target_names(data: Json) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, target in _targets(data):
        name = target.get("name")
        if not _is_text(name):
            continue
        if name in seen:
            message = f"two targets are called {name!r}; the other is targets[{seen[name]}]"
            yield Finding(("targets", index, "name"), message)
        seen.setdefault(name, index)


def _check_cluster(target: Json, path: TreePath) -> Iterator[Finding]:
    cluster = _map(target, "cluster")
    kinds = [kind for kind in _KINDS if _is_text(cluster.get(kind))]
    here = (*path, "cluster")
    if isinstance(target.get("cluster"), dict) and not kinds:
        yield Finding(here, f"expected one of {', '.join(_KINDS)}", on_key=True)
    # A context picks within a kubeconfig; every other pair is two clusters.
    if len(kinds) > 1 and kinds != ["context", "kubeconfig"]:
        yield Finding(here, f"{' and '.join(kinds)} are two clusters; keep one", on_key=True)
    provider = target.get("provider")
    for kind in kinds:
        yield from _check_kind(kind, provider, (*here, kind))
    if ("aks" in kinds) != ("resource_group" in cluster):
        yield Finding(here, "aks and resource_group go together", on_key=True)
    for name, takers in _FIELD_TAKERS.items():
        if cluster.get(name) and not set(takers) & set(kinds):
            message = f"{name} goes with {' or '.join(takers)}"
            yield Finding((*here, name), message, on_key=True)


def _check_kind(kind: str, provider: Json, path: TreePath) -> Iterator[Finding]:
    if provider not in _STORES:
        return
    owner = _OWNERS.get(kind)
    if owner is not None and provider != owner:
        yield Finding(path, f"{kind} is {owner}'s, and the provider is {provider}", on_key=True)
    if provider == "local" and kind != "local":
        yield Finding(path, "the provider local has local clusters: {local: FOLDER}", on_key=True)


def _check_store(target: Json, path: TreePath) -> Iterator[Finding]:
    store, provider = target.get("store"), target.get("provider")
    url = dig(store, "url") if isinstance(store, dict) else store
    scheme, separator, _ = url.partition("://") if isinstance(url, str) else ("", "", "")
    if scheme not in _STORES.values() or not separator:
        return
    wanted = _STORES.get(provider) if isinstance(provider, str) else None
    here = (*path, "store", "url") if isinstance(store, dict) else (*path, "store")
    if wanted is not None and scheme != wanted:
        yield Finding(here, f"expected {wanted}://… for the provider {provider}, got {scheme}://")
    for name, takers in _STORE_TAKERS.items():
        if dig(store, name) and scheme not in takers:
            there = ", ".join(f"{taker}://" for taker in takers)
            message = f"{name} goes with {there}, not with {scheme}://"
            yield Finding((*path, "store", name), message, on_key=True)


def _check_numbers(data: Json) -> Iterator[Finding]:
    least = dig(data, "service", "replicas", "min")
    most = dig(data, "service", "replicas", "max")
    least = 1 if least is None else least
    if _is_count(least) and _is_count(most) and most < least:
        yield Finding(("service", "replicas", "max"), f"max is {most}, below min, {least}")
    quorum, targets = dig(data, "outcome", "quorum"), _list(data, "targets")
    if _is_count(quorum) and quorum > len(targets) > 0:
        yield Finding(("outcome", "quorum"), f"a quorum of {quorum} of {len(targets)} targets")


def _check_runtime(data: Json, known: Known) -> Iterator[Finding]:
    runtime = dig(data, "runtime")
    name = "mlserver-sklearn" if runtime is None else runtime
    if not isinstance(name, str):
        return
    served = _formats(name, known)
    if isinstance(served, Finding):
        yield served
        return
    wanted = dig(data, "model", "format")
    if _is_text(wanted) and wanted not in served:
        message = f"{name} serves {', '.join(sorted(served))}, not {wanted!r}"
        yield Finding(("model", "format"), message)


def _formats(name: str, known: Known) -> Collection[str] | Finding:
    if "/" in name:
        return _own_formats(name, known)
    if name not in known.runtimes:
        names = sorted(known.runtimes)
        message = f"there is no runtime {name!r}{suggest(name, names)}; known: {', '.join(names)}"
        return Finding(("runtime",), message)
    return known.runtimes[name]


def _own_formats(name: str, known: Known) -> Collection[str] | Finding:
    try:
        return load_runtime(find_runtime(name, known.folder)).formats
    except SpecError as error:
        places = "; ".join(f"line {fault.line}: {fault.message}" for fault in error.faults)
        return Finding(("runtime",), f"{error.message}{': ' if places else ''}{places}")


def _check_env(data: Json, known: Known) -> Iterator[Finding]:
    for name, value in _map(data, "service", "env").items():
        path = ("service", "env", name)
        if name in _RESERVED:
            yield Finding(path, f"{name} is set by deployer; choose another name", on_key=True)
        if is_secret_name(name) and path in known.written:
            yield Finding(path, f"{name} looks like a secret; {_ELSEWHERE}")
        elif names_a_secret(name) and _is_text(value):
            yield Finding(path, f"{name} would be recorded with every release; {_ELSEWHERE}")


def _check_credentials(value: Json, path: TreePath) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _check_credentials(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check_credentials(item, (*path, index))
    elif isinstance(value, str) and seems_secret(value):
        yield Finding(path, f"this holds a credential, and the spec is recorded; {_ELSEWHERE}")


def _check_signature(data: Json) -> Iterator[Finding]:
    model = _map(data, "model")
    if model.get("signature") and not model.get("signer"):
        yield Finding(
            ("model", "signature"),
            "a signature of whom? Name a key, signer: FILE, or signer: {identity: …, issuer: …}",
        )


def _check_patches(data: Json) -> Iterator[Finding]:
    patches = _list(data, "patches")
    for index, patch in enumerate(patches):
        if patch in patches[:index]:
            yield Finding(("patches", index), f"{patch!r} is listed twice")
