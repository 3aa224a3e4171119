"""The resources of a Terraform plan, as ``terraform show -json`` prints it; pure.

The format is Terraform's own ("JSON Output Format", format_version 1.x); OpenTofu's is the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.errors import SourceError
from deployer.values import Cloud, Json

__all__ = ["Resource", "read_resources"]

_CLOUDS = {"aws": Cloud.AWS, "google": Cloud.GCP, "azurerm": Cloud.AZURE}
_HINT = "terraform plan -out FILE, then terraform show -json FILE > plan.json"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as it will be.

    Attributes:
        module: The address of the module it is in; empty for the root.
        kind: Terraform's type, such as ``aws_eks_cluster``.
        index: Its key under ``for_each`` or ``count``; empty without.
        cloud: None when its provider is none of a cloud.
        region: Empty when the plan does not say.
        values: What is known before it is applied.
    """

    address: str
    module: str
    kind: str
    index: str
    cloud: Cloud | None
    region: str
    values: Mapping[str, Json]


def read_resources(document: Json) -> tuple[Resource, ...]:
    """Return all managed resources there will be, in the order of their addresses.

    Raises:
        SourceError: It is no plan, or of a format this program does not know.
    """
    version = document.get("format_version") if isinstance(document, dict) else None
    if not isinstance(version, str) or "planned_values" not in document:
        raise SourceError("this is no plan of Terraform's in JSON", hint=_HINT)
    if version.partition(".")[0] != "1":
        raise SourceError(f"the plan has format {version}; this program reads 1.x", hint=_HINT)
    root = document["planned_values"].get("root_module", {})
    regions = {cloud: _region_of(document, name) for name, cloud in _CLOUDS.items()}
    found = [_read(item, module, regions) for module, item in _walk(root, "")]
    return tuple(sorted(found, key=lambda resource: resource.address))


def _walk(module: Json, address: str) -> Iterator[tuple[str, Json]]:
    for item in module.get("resources", ()):
        if item.get("mode") == "managed":
            yield address, item
    for child in module.get("child_modules", ()):
        yield from _walk(child, child.get("address", ""))


def _read(item: Json, module: str, regions: Mapping[Cloud, str]) -> Resource:
    values = item.get("values") or {}
    cloud = _CLOUDS.get(item["type"].partition("_")[0])
    own = values.get("location") or values.get("region") or ""
    return Resource(
        address=item["address"],
        module=module,
        kind=item["type"],
        index=str(item.get("index", "")),
        cloud=cloud,
        region=_normalize(cloud, str(own)) or (regions[cloud] if cloud else ""),
        values=values,
    )


def _normalize(cloud: Cloud | None, place: str) -> str:
    """Return the region of a zone such as us-central1-b; names in the API's spelling."""
    lower = place.lower().replace(" ", "")
    zonal = cloud is Cloud.GCP and lower.count("-") > 1
    return lower.rpartition("-")[0] if zonal else lower


def _region_of(document: Json, provider: str) -> str:
    """Return the region that the root's provider is set up for, if the plan says it."""
    configured = document.get("configuration", {}).get("provider_config", {}).get(provider, {})
    region = configured.get("expressions", {}).get("region", {})
    if isinstance(region.get("constant_value"), str):
        return str(region["constant_value"])
    for reference in region.get("references", ()):
        value = _variable(document, reference)
        if isinstance(value, str):
            return value
    return ""


def _variable(document: Json, reference: str) -> Json:
    """Return the value of ``var.regions.aws``; None when it cannot be found."""
    first, *path = reference.split(".")
    value: Json = {
        name: variable.get("value") for name, variable in document.get("variables", {}).items()
    }
    for step in path if first == "var" else ("",):
        value = value.get(step) if isinstance(value, dict) else None
    return value
