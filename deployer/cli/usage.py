"""What the pods of every live target use, as whoever measures them there says."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import typer

from deployer.errors import DeployerError
from deployer.parallel import ask_each
from deployer.ports import UsageSource, Used
from deployer.providers.http.prometheus import PrometheusUsage

if TYPE_CHECKING:
    from deployer.cli.reading import Deployment, Reader

__all__ = ["measure_usage", "open_prometheus"]


def open_prometheus(reader: "Reader", addresses: Sequence[str]) -> dict[str, UsageSource]:
    """Return the Prometheus of each target that ``TARGET=URL`` names.

    Raises:
        typer.BadParameter: It is not of that form, or there is no such target.
    """
    found: dict[str, UsageSource] = {}
    for address in addresses:
        name, equals, url = address.partition("=")
        namespaces = {target.name: target.namespace for target in reader.spec.targets}
        if not equals or name not in namespaces or not url.startswith(("http://", "https://")):
            known = ", ".join(namespaces)
            raise typer.BadParameter(f"--prometheus {address} is not TARGET=URL; targets: {known}")
        found[name] = PrometheusUsage(reader.probe, url.rstrip("/"), namespaces[name])
    return found


def measure_usage(
    reader: "Reader",
    seen: "Deployment",
    prometheus: Mapping[str, UsageSource],
    *,
    timeout_seconds: float,
) -> dict[str, Used | DeployerError | None]:
    """Ask for every live target at once; None where nobody measures, an error where asking fails.

    A Prometheus that was named comes before what the cluster itself has.
    """
    calls: dict[str, Callable[[], Used]] = {}
    for target, number in seen.head.live.items():
        bundle, provider = seen.bundles.get(number), reader.providers.get(target)
        source = prometheus.get(target) or (provider.usage if provider else None)
        part = bundle.target(target) if bundle else None
        if source is not None and part is not None:
            measure = source.measure
            calls[target] = partial(measure, part.workload, timeout_seconds=timeout_seconds)
    answers = ask_each(calls, timeout_seconds=timeout_seconds, what="measuring what pods use")
    return {target: answers.get(target) for target in seen.head.live}
