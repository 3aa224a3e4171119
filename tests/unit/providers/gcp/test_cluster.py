import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from deployer.errors import AccessDeniedError, NotFoundError, SetupError
from deployer.providers.gcp.cluster import find_cluster
from deployer.providers.kube.connect import connect_found
from deployer.providers.local.clock import SystemClock

PATH = "/v1/projects/acme/locations/us-central1/clusters/prod"


@pytest.fixture
def google(tls_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Any) -> Any:
    """Google's token service and its GKE API in one, and a CI job that is logged in by its own."""
    (tmp_path / "job").write_text("the job's own token")
    login = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{tls_server.url}/token",
        "credential_source": {"file": str(tmp_path / "job")},
    }
    (tmp_path / "login.json").write_text(json.dumps(login))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "login.json"))
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", tls_server.url + "/")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_server.certificate))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
    tokens = iter(range(1, 100))

    def answer(asked: Any) -> Any:
        if asked.path == "/token":
            kind = "urn:ietf:params:oauth:token-type:access_token"
            token = {"access_token": f"t{next(tokens)}", "expires_in": 3600}
            return say({**token, "token_type": "Bearer", "issued_token_type": kind})
        if asked.path == PATH:
            return say(tls_server.cluster)
        return say({"error": {"code": 404, "message": f"Not found: {asked.path}"}}, 404)

    tls_server.answer = answer
    return tls_server


def described(server: Any, **more: Any) -> dict[str, Any]:
    authority = base64.b64encode(server.authority.encode()).decode()
    return {
        "status": "RUNNING",
        "endpoint": server.url.removeprefix("https://"),
        "masterAuth": {"clusterCaCertificate": authority},
        **more,
    }


def test_a_gke_cluster_is_found_and_logged_in_to(
    google: Any, make_tls_server: Callable[[], Any], say: Any
) -> None:
    api = make_tls_server()
    api.answer = lambda _asked: say({"gitVersion": "v1.36.3-gke.1"})
    google.cluster = described(api)
    cluster = connect_found(
        lambda: find_cluster("prod", location="us-central1"),
        name="prod",
        namespace="models",
        clock=SystemClock(),
    )
    assert cluster.describe().version == "v1.36.3-gke.1"
    assert api.asked[0].token.startswith("t")
    (asked,) = [each for each in google.asked if each.path == PATH]
    assert asked.token.startswith("t")


def test_the_dns_endpoint_is_taken_when_it_is_open_and_trusted_as_the_public_web_is(
    google: Any,
) -> None:
    door = {"endpoint": "abc.us-central1.gke.goog", "allowExternalTraffic": True}
    google.cluster = described(google, controlPlaneEndpointsConfig={"dnsEndpointConfig": door})
    found = find_cluster("prod", location="us-central1")
    assert found.server == "https://abc.us-central1.gke.goog"
    assert found.authority is None
    door["allowExternalTraffic"] = False
    assert find_cluster("prod", location="us-central1").server == google.url


def test_the_token_is_for_the_scopes_that_the_cluster_needs(google: Any) -> None:
    google.cluster = described(google)
    token = find_cluster("prod", location="us-central1").tokens()
    assert token.expires is not None
    left = (token.expires - SystemClock().now()).total_seconds()
    assert 3500 < left <= 3600
    body = [each for each in google.asked if each.path == "/token"][-1].body.decode()
    (scope,) = parse_qs(body)["scope"]
    assert scope.split() == [
        "https://www.googleapis.com/auth/cloud-platform",
        "https://www.googleapis.com/auth/userinfo.email",
    ]


def test_a_cluster_that_is_not_there_or_not_ours_to_see_is_told_apart(
    google: Any, say: Any
) -> None:
    with pytest.raises(NotFoundError, match="GKE cluster other in acme, us-central1"):
        find_cluster("other", location="us-central1")
    answer = google.answer
    why = "Required container.clusters.get permission"
    errors = [{"message": why, "reason": "forbidden"}]
    denied = {"error": {"code": 403, "message": why, "errors": errors}}
    google.answer = lambda asked: answer(asked) if asked.path == "/token" else say(denied, 403)
    with pytest.raises(AccessDeniedError, match=r"container\.clusters\.get") as refused:
        find_cluster("prod", location="us-central1")
    assert "roles/container.clusterViewer" in str(refused.value.hint)


def test_without_a_login_it_says_how_to_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(SetupError) as raised:
        find_cluster("prod", location="us-central1")
    assert "gcloud auth application-default login" in str(raised.value.hint)
