"""What can go wrong with applying, on a real API server: object, cause and way out are named."""

import http.server
import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from deployer.errors import (
    AccessDeniedError,
    ProviderError,
    QuotaError,
    TransientError,
)
from deployer.execution.fence import Fence, apply_fenced, settle_inventory
from deployer.execution.removal import remove_objects
from deployer.ports import Applied, ApplyOptions, ObjectRef
from deployer.ports.applyset import set_id
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.local.clock import SystemClock
from deployer.retry import Backoff, retry_transient
from tests.cluster.certificates import Authority
from tests.cluster.rig import ApiServer

CLOCK = SystemClock()
MEMBERS = ApplyOptions(member_of="applyset-test-v1")
FENCE = Fence("iris", 1)


class Counted:
    """Counts the requests that go through a client's connections."""

    def __init__(self, pool: Any) -> None:
        self.pool, self.methods = pool, list[str]()

    def request(self, method: str, *arguments: Any, **options: Any) -> Any:
        self.methods.append(method)
        return self.pool.request(method, *arguments, **options)


def connect(kubeconfig: str) -> client.ApiClient:
    settings = client.Configuration()
    config.load_kube_config(kubeconfig, client_configuration=settings)  # type: ignore[no-untyped-call]
    made = client.ApiClient(settings)
    counted: Any = Counted(made.rest_client.pool_manager)
    made.rest_client.pool_manager = counted
    return made


@pytest.fixture
def made(api_server: ApiServer) -> client.ApiClient:
    return connect(api_server.kubeconfig)


@pytest.fixture
def cluster(made: client.ApiClient, namespace: str) -> KubeCluster:
    return KubeCluster(lambda: made, name="test", namespace=namespace, clock=CLOCK)


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str = "iris", selector: str = "iris", replicas: int = 0) -> dict[str, Any]:
    labels = {"app": selector}
    pod = {"containers": [{"name": "server", "image": "example.org/server:1"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def definition(group: str, kind: str) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


def error_of(cluster: KubeCluster, *manifests: Any) -> ProviderError:
    errors = [result.error for result in cluster.apply_all(manifests, MEMBERS) if result.error]
    assert len(errors) == 1
    return errors[0]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = CLOCK.monotonic() + 30
    while not true():
        assert CLOCK.monotonic() < deadline
        CLOCK.sleep(0.1)


def test_an_unknown_kind_is_refused_before_anything_is_touched(cluster: KubeCluster) -> None:
    widget = {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": "w"}}
    with pytest.raises(ProviderError, match=r"Widget/w: the cluster knows no kind Widget") as it:
        cluster.apply_all([config_map(), widget], MEMBERS)
    assert "api-resources" in str(it.value.hint)
    assert cluster.get(ObjectRef.of(config_map())) is None


def test_a_kind_and_an_object_of_it_are_applied_together(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    group = f"{namespace}.example"
    kind = definition(group, "Widget")
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}}
    dry = ApplyOptions(member_of="applyset-test-v1", dry_run=True)
    try:
        assert [r.applied for r in cluster.apply_all([widget, kind], dry)] == ["created"] * 2
        results = cluster.apply_all([widget, kind], MEMBERS)
        assert [(r.applied, r.error) for r in results] == [(Applied.CREATED, None)] * 2
        labels = {"applyset.kubernetes.io/part-of": "applyset-test-v1"}
        found = cluster.list(labels, kinds=[f"Widget.{group}", "Gone.nowhere.example"])
        assert [manifest["kind"] for manifest in found] == ["Widget"]
    finally:
        cluster.delete(ObjectRef.of(kind))
    assert api_server.api().find(f"/apis/{group}/v1/namespaces/{namespace}/widgets/v") is None


def test_what_one_may_not_do_is_said_with_the_verb(
    api_server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    if not api_server.restricted_token:
        pytest.skip("your own cluster has no user without rights")
    admin, theirs = Path(api_server.kubeconfig).read_text(), tmp_path / "kubeconfig"
    theirs.write_text(admin.replace(api_server.token, api_server.restricted_token))
    nobody = connect(str(theirs))
    cluster = KubeCluster(lambda: nobody, name="test", namespace=namespace, clock=CLOCK)
    with pytest.raises(AccessDeniedError, match='cannot list resource "configmaps"') as caught:
        cluster.apply_all([config_map()], MEMBERS)
    assert "Role" in str(caught.value.hint)
    refused = cluster.apply_all([config_map()])[0].error
    assert isinstance(refused, AccessDeniedError)
    assert "ConfigMap/settings" in refused.message
    assert 'cannot patch resource "configmaps"' in refused.message


def test_a_full_quota_is_a_quota(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"count/configmaps": "0"}}}
    api_server.api().post(path, {"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    wait_until(lambda: "hard" in api_server.api().get(f"{path}/few").get("status", {}))
    refused = error_of(cluster, config_map())
    assert isinstance(refused, QuotaError)
    assert "ConfigMap/settings" in refused.message
    assert "exceeded quota: few" in refused.message
    assert "quota" in str(refused.hint)


def test_a_namespace_that_is_going_away_is_said_to_be(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    api, path = api_server.api(), f"/api/v1/namespaces/{namespace}"
    held = config_map("held")
    held["metadata"]["finalizers"] = ["acme.example/hold"]
    api.post(f"{path}/configmaps", held)
    api.delete(path)
    try:
        refused = error_of(cluster, config_map())
        assert isinstance(refused, TransientError)
        assert f"namespace {namespace} because it is being terminated" in refused.message
        assert "being deleted" in str(refused.hint)
    finally:
        api.patch(f"{path}/configmaps/held", {"metadata": {"finalizers": None}})


def test_an_immutable_field_is_named_with_the_way_out(cluster: KubeCluster) -> None:
    cluster.apply_all([deployment()], MEMBERS)
    refused = error_of(cluster, deployment(selector="other"))
    assert not isinstance(refused, TransientError)
    assert "Deployment/iris" in refused.message
    assert "spec.selector" in refused.message
    assert "another name" in str(refused.hint)


def test_a_field_that_does_not_exist_is_named(cluster: KubeCluster) -> None:
    wrong = deployment()
    wrong["spec"]["replica"] = 2
    refused = error_of(cluster, wrong)
    assert not isinstance(refused, TransientError)
    assert ".spec.replica" in refused.message


def test_a_rule_of_the_cluster_that_refuses_is_quoted(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    api, root = api_server.api(), "/apis/admissionregistration.k8s.io/v1"
    match = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [{**rule, "operations": ["CREATE"]}]},
        "validations": [{"expression": "false", "message": "no settings on a Sunday"}],
    }
    binding = {"policyName": namespace, "validationActions": ["Deny"], "matchResources": match}
    _create(api, f"{root}/validatingadmissionpolicies", namespace, policy)
    _create(api, f"{root}/validatingadmissionpolicybindings", namespace, binding)
    try:
        wait_until(lambda: bool(cluster.apply_all([config_map()], DRY)[0].error))
        refused = error_of(cluster, config_map())
        assert not isinstance(refused, TransientError)
        assert "ConfigMap/settings" in refused.message
        assert "no settings on a Sunday" in refused.message
        assert "change the object" in str(refused.hint)
    finally:
        api.delete(f"{root}/validatingadmissionpolicybindings/{namespace}")
        api.delete(f"{root}/validatingadmissionpolicies/{namespace}")


DRY = ApplyOptions(member_of="applyset-test-v1", dry_run=True)


def _create(api: Any, path: str, name: str, spec: Any, **more: Any) -> None:
    kinds = {
        "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
        "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
    }
    about = {"apiVersion": path.removeprefix("/apis/").rpartition("/")[0]}
    kind = kinds[path.rpartition("/")[2]]
    api.post(path, {**about, "kind": kind, "metadata": {"name": name}, "spec": spec, **more})


class Webhook:
    """An admission webhook on loopback; ``answer`` says what it does with each request."""

    def __init__(self, folder: Path) -> None:
        self.answer: Callable[[], tuple[int, dict[str, Any]] | None] = lambda: None
        self.asked = 0
        self.released = threading.Event()
        authority = Authority(folder, "webhook", CLOCK)
        certificate, key = authority.issue("webhook", ("127.0.0.1",))
        self.trust = b64encode(authority.certificate.read_bytes()).decode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.asked += 1
                answer = hook.answer()
                if answer is None:
                    hook.released.wait(20)
                    return
                status, response = answer
                body = {**review, "response": {"uid": review["request"]["uid"], **response}}
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def webhook(api_server: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Webhook]:
    """A webhook that is asked about ConfigMaps of the test's namespace."""
    hook, api = Webhook(tmp_path), api_server.api()
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    wanted = {
        "name": "guard.acme.example",
        "clientConfig": {"url": hook.url, "caBundle": hook.trust},
        "rules": [{**rule, "operations": ["CREATE"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
        "failurePolicy": "Fail",
    }
    about = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
    }
    api.post(path, {**about, "metadata": {"name": namespace}, "webhooks": [wanted]})
    yield hook
    api.delete(f"{path}/{namespace}")
    hook.close()


def _asked(cluster: KubeCluster, hook: Webhook) -> None:
    """Wait until the API server knows of the webhook: its own watch has to see it first."""
    wait_until(lambda: bool(cluster.apply_all([config_map()], DRY)) and hook.asked > 0)


def test_a_webhook_that_refuses_is_quoted(cluster: KubeCluster, webhook: Webhook) -> None:
    refusal = {"allowed": False, "status": {"code": 403, "message": "not signed"}}
    webhook.answer = lambda: (200, refusal)
    _asked(cluster, webhook)
    refused = error_of(cluster, config_map())
    assert not isinstance(refused, TransientError | AccessDeniedError)
    assert 'admission webhook "guard.acme.example" denied the request: not signed' in str(refused)
    assert "change the object" in str(refused.hint)


def test_a_webhook_that_hangs_is_named_and_may_be_tried_again(
    cluster: KubeCluster, webhook: Webhook
) -> None:
    _asked(cluster, webhook)
    refused = error_of(cluster, config_map())
    assert isinstance(refused, TransientError)
    assert 'failed calling webhook "guard.acme.example"' in refused.message
    assert "did not answer" in str(refused.hint)
    webhook.released.set()


def test_a_webhook_that_hiccups_is_no_failure(cluster: KubeCluster, webhook: Webhook) -> None:
    answers = iter([(500, {"allowed": True})])
    webhook.answer = lambda: (200, {"allowed": True})
    _asked(cluster, webhook)
    webhook.answer = lambda: next(answers, (200, {"allowed": True}))
    (result,) = retry_transient(
        lambda: apply_fenced(cluster, [config_map("new")], FENCE),
        clock=CLOCK,
        backoff=Backoff(budget_seconds=15),
    )
    assert result.applied is Applied.CREATED


def test_a_finalizer_that_hangs_is_named_and_its_kind_stays_in_the_inventory(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    apply_fenced(cluster, [config_map(), deployment()], FENCE)
    api, path = api_server.api(), f"/api/v1/namespaces/{namespace}/configmaps/settings"
    api.patch(path, {"metadata": {"finalizers": ["acme.example/hold"]}})
    refs = [ObjectRef.of(deployment()), ObjectRef.of(config_map())]
    left = remove_objects(cluster, refs, FENCE, CLOCK, check=lambda: None, timeout_seconds=3.0)
    assert left == ("ConfigMap/settings: held by finalizer acme.example/hold",)
    assert inventory(cluster) == "ConfigMap"
    api.patch(path, {"metadata": {"finalizers": None}})
    wait_until(lambda: cluster.get(refs[1]) is None)
    settle_inventory(cluster, FENCE)
    assert inventory(cluster) == ""


def test_what_is_somebody_elses_by_now_is_not_deleted(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    apply_fenced(cluster, [config_map()], FENCE)
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    labels = {"applyset.kubernetes.io/part-of": "applyset-theirs-v1"}
    api_server.api().patch(path, {"metadata": {"labels": labels}})
    with pytest.raises(ProviderError, match="ConfigMap/settings belongs to another ApplySet"):
        remove_objects(cluster, [ObjectRef.of(config_map())], FENCE, CLOCK, check=lambda: None)
    assert cluster.get(ObjectRef.of(config_map())) is not None


def test_what_kubectl_once_applied_is_taken_over_whole(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    old = config_map(color="red", size="big")
    last = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    old["metadata"]["annotations"] = last
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    api_server.api().post(f"{path}?fieldManager=kubectl-client-side-apply", old)
    dry = cluster.apply_all([config_map(color="blue")], DRY)[0]
    assert (dry.applied, dry.conflicts) == (Applied.CHANGED, ())
    done = cluster.apply_all([config_map(color="blue")], MEMBERS)[0]
    assert (done.applied, done.error) == (Applied.CHANGED, None)
    found = cluster.get(ObjectRef.of(old))
    assert found is not None
    assert found["data"] == {"color": "blue"}
    assert "annotations" not in found["metadata"]
    assert {entry["manager"] for entry in found["metadata"]["managedFields"]} == {"deployer"}
    again = cluster.apply_all([config_map(color="blue")], MEMBERS)[0]
    assert again.applied is Applied.UNCHANGED


def test_an_unchanged_set_costs_one_list_per_kind_and_no_request_per_object(
    cluster: KubeCluster, made: Any
) -> None:
    objects = [config_map(f"c{n}", a="1") for n in range(20)] + [
        deployment(f"d{n}") for n in (1, 2)
    ]
    apply_fenced(cluster, objects, FENCE)
    made.rest_client.pool_manager.methods.clear()
    results = apply_fenced(cluster, objects, FENCE)
    assert {result.applied for result in results} == {Applied.UNCHANGED}
    sent = made.rest_client.pool_manager.methods
    assert sent.count("PATCH") == 0
    assert len(sent) <= 4  # a list for each of two kinds, the fence before each of two phases


def test_the_set_is_found_by_the_labels_that_kubectl_reads(
    api_server: ApiServer, cluster: KubeCluster, namespace: str
) -> None:
    api_server.api().post(f"/api/v1/namespaces/{namespace}/configmaps", config_map("foreign"))
    apply_fenced(cluster, [config_map(), deployment()], FENCE)
    selector = f"applyset.kubernetes.io/part-of={set_id('iris', namespace)}"
    api = api_server.api()
    for group, plural in (("api/v1", "configmaps"), ("apis/apps/v1", "deployments")):
        path = f"/{group}/namespaces/{namespace}/{plural}"
        assert len(api.get(path, labelSelector=selector)["items"]) == 1
    parent = api.get(f"/api/v1/namespaces/{namespace}/configmaps/iris-deployer")
    assert parent["metadata"]["labels"]["applyset.kubernetes.io/id"] == set_id("iris", namespace)
    assert inventory(cluster) == "ConfigMap,Deployment.apps"


def inventory(cluster: KubeCluster) -> str:
    parent = cluster.get(ObjectRef("v1", "ConfigMap", "iris-deployer"))
    assert parent is not None
    found = parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    assert isinstance(found, str)
    return found
