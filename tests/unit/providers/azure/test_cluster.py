import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.identity import ClientSecretCredential

from deployer.errors import AccessDeniedError, NotFoundError, SetupError
from deployer.providers.azure.cluster import find_cluster
from deployer.providers.connection import Connection
from deployer.providers.kube.connect import connect_found
from deployer.providers.local.clock import SystemClock

TENANT = "11111111-2222-3333-4444-555555555555"
PATH = (
    "/subscriptions/s1/resourceGroups/models/providers/Microsoft.ContainerService"
    "/managedClusters/prod/listClusterUserCredential"
)


class Azure:
    """Entra ID and the management API in one; it gives out ``user`` for the cluster ``api``."""

    def __init__(self, server: Any, say: Any) -> None:
        self.server, self.say = server, say
        self.user: dict[str, Any] = {"exec": {"command": "kubelogin"}}
        self.api = server
        self.denied = False
        server.answer = self._answer

    def find(self, name: str = "prod") -> Connection:
        return find_cluster(name, group="models", subscription="s1", login=self._log_in)

    def _log_in(self) -> ClientSecretCredential:
        return ClientSecretCredential(
            TENANT,
            "app",
            "secret",
            authority=self.server.url,
            disable_instance_discovery=True,
            connection_verify=str(self.server.certificate),
        )

    def _answer(self, asked: Any) -> Any:
        if asked.path.endswith("/openid-configuration"):
            root = f"{self.server.url}/{TENANT}"
            return self.say(
                {
                    "token_endpoint": f"{root}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                    "issuer": f"{root}/v2.0",
                }
            )
        if asked.path.endswith("/oauth2/v2.0/token"):
            scope = asked.body.decode().partition("scope=")[2].partition("&")[0]
            what = "aks" if "6dae42f8" in scope else "arm"
            return self.say({"access_token": what, "expires_in": 3600, "token_type": "Bearer"})
        if self.denied:
            return self.say({"error": {"code": "AuthorizationFailed", "message": "no"}}, 403)
        if asked.path == PATH and asked.method == "POST" and asked.token == "arm":
            return self.say({"kubeconfigs": [{"name": "u", "value": self._kubeconfig()}]})
        return self.say({"error": {"code": "ResourceNotFound", "message": "not here"}}, 404)

    def _kubeconfig(self) -> str:
        authority = base64.b64encode(self.api.authority.encode()).decode()
        cluster = {"server": self.api.url, "certificate-authority-data": authority}
        config = {
            "clusters": [{"name": "prod", "cluster": cluster}],
            "users": [{"name": "u", "user": self.user}],
        }
        return base64.b64encode(json.dumps(config).encode()).decode()


@pytest.fixture
def azure(tls_server: Any, say: Any, monkeypatch: pytest.MonkeyPatch) -> Azure:
    monkeypatch.setenv("AZURE_RESOURCE_MANAGER_ENDPOINT", tls_server.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_server.certificate))
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID", raising=False)
    return Azure(tls_server, say)


def test_an_aks_cluster_is_found_and_logged_in_to_with_entra_id(
    azure: Azure, make_tls_server: Callable[[], Any], say: Any
) -> None:
    azure.api = make_tls_server()
    azure.api.answer = lambda _asked: say({"gitVersion": "v1.36.3"})
    cluster = connect_found(azure.find, name="prod", namespace="models", clock=SystemClock())
    assert cluster.describe().version == "v1.36.3"
    assert azure.api.asked[0].token == "aks"
    token = azure.find().tokens()
    assert token.expires is not None
    assert 3000 < (token.expires - SystemClock().now()).total_seconds() <= 3600


def test_a_cluster_with_local_accounts_is_logged_in_to_with_the_token_it_gives_out(
    azure: Azure,
) -> None:
    azure.user = {"token": "local", "client-certificate-data": "…"}
    token = azure.find().tokens()
    assert (token.value, token.expires) == ("local", None)
    azure.user = {}
    with pytest.raises(SetupError, match="neither a token nor"):
        azure.find()


def test_a_cluster_that_is_not_there_or_not_ours_to_see_is_told_apart(azure: Azure) -> None:
    with pytest.raises(NotFoundError, match="AKS cluster other in models"):
        azure.find("other")
    azure.denied = True
    with pytest.raises(AccessDeniedError) as refused:
        azure.find()
    assert "Azure Kubernetes Service Cluster User Role on prod" in str(refused.value.hint)


@pytest.mark.usefixtures("azure")
def test_without_a_subscription_it_says_where_to_write_it() -> None:
    with pytest.raises(SetupError, match="no subscription") as raised:
        find_cluster("prod", group="models")
    assert "AZURE_SUBSCRIPTION_ID" in str(raised.value.hint)
