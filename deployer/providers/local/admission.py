"""What an API server would refuse, refused here: names and the fields the cluster relies on."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.errors import ProviderError
from deployer.ports import Finding, Manifest, Severity

__all__ = ["check_admission", "check_manifest", "check_name"]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain, as Kubernetes
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")


def check_name(kind: str, name: str) -> None:
    """Refuse names that Kubernetes refuses; this is what makes them safe as file names.

    Raises:
        ProviderError: It is no such name.
    """
    if not _KIND.fullmatch(kind) or not _NAME.fullmatch(name):
        raise ProviderError(
            f"{kind[:80]}/{name[:80]} is not a valid name: small letters, digits, '-' and '.'",
            operation="apply",
            resource=f"{kind[:80]}/{name[:80]}",
        )


def check_manifest(manifest: Manifest) -> None:
    """Refuse a manifest whose pods or ports could not be made.

    Raises:
        ProviderError: All that is wrong with it.
    """
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    check_name(kind, name)
    spec = manifest.get("spec") or {}
    checks = {"Deployment": _check_deployment, "Service": _check_service}
    faults = list(checks[kind](spec)) if kind in checks else []
    if faults:
        raise ProviderError(
            f"{kind}/{name} is invalid: {'; '.join(faults)}",
            operation="apply",
            resource=f"{kind}/{name}",
        )


def check_admission(manifests: Sequence[Manifest]) -> tuple[Finding, ...]:
    """Return a finding for each manifest that would be refused, or that all would be taken."""
    refused = []
    for manifest in manifests:
        try:
            check_manifest(manifest)
        except ProviderError as error:
            refused.append(Finding("kinds", Severity.ERROR, error.message))
    if refused:
        return tuple(refused)
    return (Finding("kinds", Severity.OK, f"all {len(manifests)} objects are valid"),)


def _check_deployment(spec: Mapping[str, Any]) -> Iterator[str]:
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    if not wanted:
        yield "spec.selector.matchLabels is missing"
    elif not wanted.items() <= labels.items():
        yield "spec.selector does not match the labels of spec.template"
    if not isinstance(spec.get("replicas", 1), int):
        yield "spec.replicas is not a whole number"
    pod = template.get("spec") or {}
    if not pod.get("containers"):
        yield "spec.template.spec.containers is missing"
    for container in [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]:
        if not _NAME.fullmatch(str(container.get("name", ""))):
            yield "a container has no valid name"


def _check_service(spec: Mapping[str, Any]) -> Iterator[str]:
    if not spec.get("ports"):
        yield "spec.ports is missing"
    for port in spec.get("ports") or ():
        if not isinstance(port.get("port"), int):
            yield "a port has no number"
