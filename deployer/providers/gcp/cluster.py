"""Finding a GKE cluster by its name."""

import base64
import os
from typing import Any

from deployer.errors import SetupError
from deployer.providers.connection import Connection
from deployer.providers.gcp.errors import translated
from deployer.providers.gcp.token import fetch_token, log_in

__all__ = ["find_cluster"]

_API = "https://container.googleapis.com/"
_TIMEOUT_SECONDS = 10


def find_cluster(name: str, *, location: str, project: str | None = None) -> Connection:
    """Ask GKE where the cluster is; credentials are the application default ones.

    The DNS endpoint is taken where it is open to users: it is reached from anywhere, and its
    certificate is a public one. Else it is the IP endpoint with the cluster's own CA.

    Args:
        location: The region, or the zone of a zonal cluster.
        project: The credentials' own when left out, or GOOGLE_CLOUD_PROJECT.

    Raises:
        SetupError: Nobody is logged in, or no project is known.
        NotFoundError, AccessDeniedError, TransientError: As GKE says.
    """
    found = _describe(name, location, project)
    door = _dig(found, "controlPlaneEndpointsConfig", "dnsEndpointConfig")
    if door.get("allowExternalTraffic") and door.get("endpoint"):
        return Connection(f"https://{door['endpoint']}", None, fetch_token)
    if not found.get("endpoint"):
        raise SetupError(
            f"GKE cluster {name} in {location} has no endpoint: it is {found.get('status')}",
            hint=f"gcloud container clusters describe {name} --location {location}",
        )
    authority = _dig(found, "masterAuth")["clusterCaCertificate"]
    return Connection(
        f"https://{found['endpoint']}", base64.b64decode(authority).decode(), fetch_token
    )


def _describe(name: str, location: str, project: str | None) -> Any:
    credentials, own = log_in()
    project = project or own
    if not project:
        raise SetupError(
            f"no project is known to look for GKE cluster {name} in",
            hint="Write `cluster: {gke: …, project: …}`, or set GOOGLE_CLOUD_PROJECT.",
        )
    path = f"v1/projects/{project}/locations/{location}/clusters/{name}"
    what = f"GKE cluster {name} in {project}, {location}"
    needs = "container.clusters.get (roles/container.clusterViewer)"
    with translated("find", what, needs=needs):
        from google.api_core.exceptions import from_http_response
        from google.auth.transport.requests import AuthorizedSession

        # the variable that gcloud itself goes by
        api = os.environ.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER") or _API
        with AuthorizedSession(credentials) as session:  # type: ignore[no-untyped-call]
            answer = session.get(api.rstrip("/") + "/" + path, timeout=_TIMEOUT_SECONDS)
            if not answer.ok:
                raise from_http_response(answer)  # type: ignore[no-untyped-call]
            return answer.json()


def _dig(found: Any, *keys: str) -> Any:
    for key in keys:
        found = found.get(key) or {}
    return found
