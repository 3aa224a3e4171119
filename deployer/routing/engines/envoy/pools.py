"""Which open connections to backends Envoy may go on using. Pure.

A host keeps its connections for as long as its address stays, and behind a Service's address they
lead to the pods they were opened to: those of a release that is about to end. A cluster with
another name for its pools is a new one to Envoy: it has no connections yet, probes its hosts, and
takes over when that is done; what is under way in the old one finishes there.
"""

import hashlib
import json
from collections.abc import Mapping

from deployer.routing.engines.envoy.render import CDS, EDS
from deployer.routing.plane import Orders
from deployer.values import Json

__all__ = ["name_pools"]


def name_pools(present: Mapping[str, str], orders: Orders) -> str:
    """Return the pools' name: a new one where another release is behind an address, else the same.

    Args:
        present: The watched files that are in use.
    """
    if EDS not in present or CDS not in present:
        return ""
    name: str = _resource(present[CDS])["metadata"]["filter_metadata"]["deployer"]["pools"]
    before = _backends(_resource(present[EDS]))
    after = {endpoint.authority: endpoint.key for endpoint in orders.reachable}
    if all(before[host] == after[host] for host in before.keys() & after.keys()):
        return name
    return hashlib.sha256(json.dumps([name, after]).encode()).hexdigest()[:16]


def _backends(assignment: Json) -> dict[str, str]:
    hosts = [host for tier in assignment["endpoints"] for host in tier["lb_endpoints"]]
    return {
        host["endpoint"]["hostname"]: host["metadata"]["filter_metadata"]["deployer"]["backend"]
        for host in hosts
    }


def _resource(text: str) -> Json:
    return json.loads(text)["resources"][0]
