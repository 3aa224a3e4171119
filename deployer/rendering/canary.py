"""A canary's way in: what leads to the stable Service, once more, under a name of its own.

It is made from the finished objects, so what a patch says of the stable way in holds here, too.
``manifests/options/canary`` says what the second one must not have.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from deployer.errors import Fault, SpecError
from deployer.ports import Manifest, ObjectRef
from deployer.rendering.library import load_folder
from deployer.rendering.merge import merge_manifest
from deployer.rendering.naming import Names
from deployer.rendering.request import Request
from deployer.spec.library import manifests_folder
from deployer.spec.placement import Expose, Gateway, Ingress
from deployer.values import Json

__all__ = ["make_canary"]


def make_canary(
    objects: Sequence[Manifest], request: Request, names: Names
) -> tuple[Manifest, ...]:
    """Return what leads to this release beside the stable way in; nothing without a canary.

    Raises:
        SpecError: An object of the user's has the name already.
    """
    if request.spec.strategy.type != "canary":
        return ()
    _refuse_taken(objects, request, names)
    return tuple(_copy(objects, request, names))


def _copy(objects: Sequence[Manifest], request: Request, names: Names) -> Iterator[Manifest]:
    changes: Mapping[str, Callable[[Manifest], Manifest]] = {
        "Service": lambda _: _without_addresses(),
        "Ingress": lambda manifest: _at_host(manifest, request.target.expose),
        "HTTPRoute": lambda _: _for_host(request.target.expose),
    }
    for manifest in objects:
        change = changes.get(manifest["kind"])
        if change is not None and manifest["metadata"]["name"] == names.base:
            led = {**manifest, "spec": _lead_to(manifest["spec"], names.base, names.canary)}
            named = {"metadata": {"name": names.canary}}
            yield merge_manifest(merge_manifest(led, change(led)), named)


def _without_addresses() -> Manifest:
    [layer] = load_folder(manifests_folder() / "options" / "canary")
    return layer


def _at_host(manifest: Manifest, way: str | Expose | None) -> Manifest:
    """Keep the stable host's rules only, for the canary's; its certificate must hold for both."""
    ingress: Ingress | None = way.ingress if isinstance(way, Expose) else None
    if ingress is None or ingress.canary is None:
        return {}
    rules = manifest["spec"].get("rules", ())
    kept = [rule for rule in rules if rule.get("host") == ingress.host]
    spec: dict[str, Json] = {"rules": [{**rule, "host": ingress.canary} for rule in kept]}
    if ingress.tls_secret:
        spec["tls"] = [{"hosts": [ingress.canary], "secretName": ingress.tls_secret}]
    return {"spec": spec}


def _for_host(way: str | Expose | None) -> Manifest:
    gateway: Gateway | None = way.gateway if isinstance(way, Expose) else None
    if gateway is None or gateway.canary is None:
        return {}
    return {"spec": {"hostnames": [gateway.canary]}}


_REFERENCES = ("service", "backendRefs")


def _lead_to(value: Json, old: str, new: str) -> Json:
    """Return ``value`` with every reference to the Service ``old`` leading to ``new``."""
    if isinstance(value, list):
        return [_lead_to(item, old, new) for item in value]
    if not isinstance(value, dict):
        return value
    led = {key: _lead_to(item, old, new) for key, item in value.items()}
    for key in _REFERENCES:
        if key in led:
            led[key] = _renamed(led[key], old, new)
    return led


def _renamed(reference: Json, old: str, new: str) -> Json:
    if isinstance(reference, list):
        return [_renamed(item, old, new) for item in reference]
    ours = isinstance(reference, dict) and reference.get("name") == old
    return {**reference, "name": new} if ours else reference


def _refuse_taken(objects: Sequence[Manifest], request: Request, names: Names) -> None:
    taken = ObjectRef("v1", "Service", names.canary)
    if all(ObjectRef.of(manifest) != taken for manifest in objects):
        return
    file, why = request.spec.file, f"{taken} is made for the canary; give yours another name"
    raise SpecError(f"{file}: patches: {why}", file=file, faults=[Fault(1, 1, "patches", why)])
