"""``deployer kubeconfig``: contexts for kubectl, one per target."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli.options import SpecFile
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.contexts import ContextEntry
    from deployer.providers.connection import Connection
    from deployer.spec.model import Spec, TargetSpec

__all__ = ["kubeconfig"]

_SECONDS = 30.0


def kubeconfig(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TARGET]...", help="Only these; else every EKS, GKE and AKS one."),
    ] = None,
    file: SpecFile = Path("deployer.yaml"),
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="PATH", help="The kubeconfig; else the one kubectl uses."),
    ] = None,
) -> None:
    """Write contexts for kubectl, one per target.

    For clusters that the spec names by their cloud: EKS, GKE, AKS. What else is in the file stays.
    The users log in by calling `deployer token`, so no secret is written. A target's context is
    called deployer-TARGET.

    Example: deployer kubeconfig aws-virginia && kubectl --context deployer-aws-virginia get pods
    """
    from functools import partial

    from deployer.cli.contexts import default_kubeconfig, merge_contexts
    from deployer.errors import DeployerError
    from deployer.parallel import ask_each
    from deployer.spec import load_spec
    from deployer.wiring import find_cluster

    wanted = _choose(load_spec(file), targets or [])
    answers = ask_each(
        {target.name: partial(find_cluster, target.cluster, target.region) for target in wanted},
        timeout_seconds=_SECONDS,
        what="finding the cluster",
    )
    found = {k: each for k, each in answers.items() if not isinstance(each, DeployerError)}
    entries = [_entry(target, found[target.name]) for target in wanted if target.name in found]
    path = to or default_kubeconfig()
    if entries:
        merge_contexts(path, entries)
    _print(entries, path)
    for name, each in answers.items():
        if isinstance(each, DeployerError):
            each.message = f"{name}: {each.message}"
            raise each


def _choose(spec: "Spec", names: "Sequence[str]") -> "list[TargetSpec]":
    """Return the targets so named, or all whose cluster a cloud knows by name."""
    from deployer.errors import SourceError

    known = {target.name: target for target in spec.targets}
    for name in names:
        if name not in known:
            raise SourceError(f"the spec has no target {name!r}; it has {', '.join(known)}")
        if known[name].cluster.managed is None:
            raise SourceError(
                f"{name}: no cloud knows its cluster by name, so there is nothing to write",
                hint="A context or a kubeconfig leads to it already.",
            )
    chosen = [t for t in spec.targets if t.cluster.managed and (not names or t.name in names)]
    if not chosen:
        raise SourceError(f"no target of {spec.name} is an EKS, GKE or AKS cluster by name")
    return chosen


def _entry(target: "TargetSpec", found: "Connection") -> "ContextEntry":
    import os
    import shutil

    from deployer.cli.contexts import ContextEntry

    cluster = target.cluster
    options = {
        "--eks": cluster.eks,
        "--gke": cluster.gke,
        "--aks": cluster.aks,
        "--region": target.region if cluster.eks else None,
        "--role": cluster.role,
        "--resource-group": cluster.resource_group,
        "--subscription": cluster.subscription,
    }
    words = [word for name, value in options.items() if value for word in (name, value)]
    profile = os.environ.get("AWS_PROFILE") if cluster.eks else None
    return ContextEntry(
        name=f"deployer-{target.name}",
        server=found.server,
        authority=found.authority,
        namespace=target.namespace,
        command=[shutil.which("deployer") or "deployer", "token", *words],
        environment={"AWS_PROFILE": profile} if profile else {},
    )


def _print(entries: "Sequence[ContextEntry]", path: Path) -> None:
    if not entries:
        return
    count = format_count(len(entries), "context")
    typer.echo(f"{count} in {path}: {', '.join(entry.name for entry in entries)}")
    typer.echo(f"Next: kubectl --context {entries[0].name} get pods")
