"""Envoy's files: one that is whole, for validation and for people; and the parts it watches. Pure.

Each watched file holds one kind of resource, and the file of endpoints one assignment: with two in
a file Envoy finds neither. A file's version is made of its content, so that what runs can be told
by asking.
"""

import hashlib
import json

from deployer.routing.engines.envoy.cluster import (
    MEMBERS,
    make_assignment,
    make_cluster,
    make_pipe,
    typed,
)
from deployer.routing.engines.envoy.listener import make_listener
from deployer.routing.engines.place import Place
from deployer.routing.plane import Orders
from deployer.values import Json

__all__ = ["CDS", "EDS", "LDS", "render_bootstrap", "render_envoy", "render_files", "version_of"]

LDS = "lds.json"
CDS = "cds.json"
EDS = "eds.json"


def render_envoy(orders: Orders, place: Place) -> str:
    """Return a configuration that needs no other file."""
    endpoints = {"type": "STATIC", "load_assignment": make_assignment(orders)}
    resources = {
        "listeners": [make_listener(orders, place)],
        "clusters": [make_cluster(orders, place) | endpoints, *_own_clusters(place)],
    }
    return _write({**_start(place), "static_resources": resources})


def render_bootstrap(place: Place) -> str:
    """Return what Envoy is started with: where its files are, and nothing that ever changes."""
    dynamic = {"lds_config": _watch(place, LDS), "cds_config": _watch(place, CDS)}
    static = {"clusters": _own_clusters(place)}
    return _write({**_start(place), "dynamic_resources": dynamic, "static_resources": static})


def render_files(orders: Orders, place: Place, pools: str = "") -> dict[str, str]:
    """Return the watched files by name, in the order in which they are to be written.

    Args:
        pools: Which connections may be used, see `name_pools`.
    """
    cluster = make_cluster(orders, place) | {
        "type": "EDS",
        "metadata": {"filter_metadata": {"deployer": {"pools": pools}}},
        "eds_cluster_config": {"service_name": MEMBERS, "eds_config": _watch(place, EDS)},
    }
    return {
        EDS: _discover("endpoint.v3.ClusterLoadAssignment", make_assignment(orders)),
        CDS: _discover("cluster.v3.Cluster", cluster),
        LDS: _discover("listener.v3.Listener", make_listener(orders, place)),
    }


def version_of(text: str) -> str:
    """Return the version that a watched file carries."""
    return str(json.loads(text)["version_info"])


def _start(place: Place) -> dict[str, Json]:
    start: dict[str, Json] = {"node": {"id": "deployer", "cluster": "deployer"}}
    if place.folder is not None:
        path = str(place.folder / "admin.sock")
        start["admin"] = {"address": {"pipe": {"path": path, "mode": 0o600}}}
    return start


def _own_clusters(place: Place) -> list[Json]:
    if place.folder is None:
        return []
    return [
        make_pipe("admin", str(place.folder / "admin.sock")),
        make_pipe("control", str(place.control)),
    ]


def _watch(place: Place, name: str) -> Json:
    path = str(place.folder / name) if place.folder is not None else name
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}


def _discover(kind: str, resource: Json) -> str:
    body = typed(f"envoy.config.{kind}", **resource)
    version = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:16]
    return _write({"version_info": version, "resources": [body]})


def _write(document: Json) -> str:
    return json.dumps(document, indent=2) + "\n"
