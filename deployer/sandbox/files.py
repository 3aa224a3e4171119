"""The files a sandbox writes for its user: a spec that uses it, and the environment it needs."""

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from deployer.sandbox.stand_ins import StandIn
from deployer.sandbox.state import SandboxFolder
from deployer.values import Cloud

__all__ = ["collect_environment", "render_environment", "render_spec"]

_PLACES: Mapping[Cloud, tuple[str, str, str, int]] = {
    Cloud.AWS: ("aws-virginia", "us-east-1", "m6i.large", 50),
    Cloud.GCP: ("gcp-iowa", "us-central1", "e2-standard-2", 30),
    Cloud.AZURE: ("azure-virginia", "eastus", "Standard_D2s_v5", 20),
}
"""Target, region, machine and weight of each cloud."""

_HEAD = """\
# The iris example on three stand-in clouds. Written by `deployer sandbox up`; yours to change.
name: iris
model:
  path: {model}
runtime: mlserver-sklearn
targets:
"""

_TARGET = """\
  - name: {name}
    provider: {cloud}
    region: {region}
    store: {{url: "{store}", endpoint: "{endpoint}"}}
    cluster: {{local: {cluster}}}
    namespace: models
    machine: {machine}
"""

_TAIL = """\
strategy: {{type: blue-green, soak: 2s}}
outcome: all
gates:
  smoke: {{requests: {requests}}}
routing:
  policy: weighted
  weights: {{{weights}}}
  idempotent: true
"""


def render_spec(folder: SandboxFolder, stand_ins: Iterable[StandIn], example: Path) -> str:
    """Return the spec, its paths relative to the sandbox's folder.

    Args:
        folder: The sandbox.
        stand_ins: The clouds to deploy to.
        example: What ``examples/iris/train.py`` writes into.
    """
    here = os.path.relpath(example.resolve(), folder.path)
    targets = [_render_target(folder, server) for server in stand_ins]
    weights = ", ".join(f"{name}: {weight}" for name, _, _, weight in _PLACES.values())
    tail = _TAIL.format(requests=f"{here}/requests.json", weights=weights)
    return _HEAD.format(model=f"{here}/v1") + "".join(targets) + tail


def collect_environment(stand_ins: Iterable[StandIn]) -> dict[str, str]:
    """Return what the vendors' SDKs read to find and enter the stand-ins, nothing of ours."""
    environment = {key: value for one in stand_ins for key, value in one.environment.items()}
    others = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = dict.fromkeys([*filter(None, others.split(",")), "127.0.0.1", "localhost"])
    return environment | {"NO_PROXY": ",".join(hosts)}


def render_environment(environment: Mapping[str, str]) -> str:
    """Return the environment as a file to be sourced."""
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    return "# Source this: it leads the vendors' SDKs to the sandbox.\n" + "".join(lines)


def _render_target(folder: SandboxFolder, server: StandIn) -> str:
    name, region, machine, _ = _PLACES[server.cloud]
    return _TARGET.format(
        name=name,
        cloud=server.cloud,
        region=region,
        machine=machine,
        store=server.store,
        endpoint=server.endpoint,
        cluster=os.path.relpath(folder.cluster(server.cloud), folder.path),
    )
