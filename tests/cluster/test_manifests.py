"""Every runtime on every kind of cluster, judged by a real API server.

Dry runs of server-side applies, strictly validated, in a namespace that enforces the Pod Security
Standard ``restricted``. Kinds of other projects are held to ``definitions.yaml``, which are made on
our own server only.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from deployer.providers.local.clock import SystemClock
from deployer.spec.tree import parse_trees, read_text
from tests.cluster.fixtures import MakeNamespace
from tests.cluster.rig import ApiServer
from tests.manifests.matrix import CUSTOM, Matrix, distinct_objects, render_matrix

DEFINITIONS = Path(__file__).parent / "definitions.yaml"
MANAGER = {"fieldManager": "deployer", "fieldValidation": "Strict"}
DRY = {"dryRun": "All", "fieldValidation": "Strict"}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
PLURALS = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}


@dataclass(frozen=True)
class Judge:
    """A namespace of a real API server that is asked, and never changed."""

    api: client.ApiClient
    namespace: str

    def fault(self, manifest: Any) -> str:
        """Apply an object for show; return why the server would not, or nothing."""
        path = f"{self._path(manifest)}/{manifest['metadata']['name']}"
        return self.send("PATCH", path, manifest, MANAGER | DRY)

    def pod_fault(self, deployment: Any) -> str:
        """Create a pod of the Deployment for show: only pods are held to a security standard."""
        template = deployment["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        pod["metadata"] = {"name": "pod", **template["metadata"]}
        return self.send("POST", self._path(pod), pod, DRY)

    def send(self, method: str, path: str, body: Any, query: dict[str, str]) -> str:
        """Send a request; return why it was refused, or warned about, or nothing."""
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        parameters = self.api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Content-Type": kind, "Accept": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = self.api.call_api(*parameters, _request_timeout=30.0).response
        if answer.data == b"404 page not found\n":  # its group is not served yet
            return "could not find the path"
        text = json.loads(answer.data)
        return str(text["message"] if answer.status >= 300 else answer.headers.get("Warning", ""))

    def _path(self, manifest: Any) -> str:
        kind, version = manifest["kind"], manifest["apiVersion"]
        root = f"apis/{version}" if "/" in version else f"api/{version}"
        return f"/{root}/namespaces/{self.namespace}/{PLURALS.get(kind, f'{kind.lower()}s')}"


@pytest.fixture
def judge(api_server: ApiServer, make_namespace: MakeNamespace) -> Iterator[Judge]:
    settings = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        api_server.kubeconfig, api_server.context, client_configuration=settings
    )
    namespace = make_namespace(api_server)
    with closing(client.ApiClient(settings)) as api:
        judge = Judge(api, namespace)
        named = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": RESTRICTED},
        }
        assert not judge.send("PATCH", f"/api/v1/namespaces/{namespace}", named, MANAGER)
        for name in ("iris", "deployer-router"):
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
            assert not judge.send("PATCH", path, account, MANAGER)
        yield judge


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return render_matrix(tmp_path_factory.mktemp("matrix"))


@pytest.fixture
def custom_kinds(api_server: ApiServer, judge: Judge) -> frozenset[str]:
    """The kinds of other projects that this server can judge."""
    if not api_server.url:
        return frozenset()
    for tree in parse_trees(read_text(DEFINITIONS), file=DEFINITIONS):
        name = tree.data["metadata"]["name"]
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        assert not judge.send("PATCH", path, tree.data, MANAGER)
    clock = SystemClock()
    deadline = clock.monotonic() + 30
    while any("not find" in judge.fault(sample) for sample in SAMPLES):
        assert clock.monotonic() < deadline
        clock.sleep(0.1)
    return CUSTOM


SAMPLES = [
    {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}, "spec": {}}
    for version, kind in (
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        ("monitoring.coreos.com/v1", "ServiceMonitor"),
        ("keda.sh/v1alpha1", "ScaledObject"),
    )
]


def test_a_real_server_takes_all_that_is_rendered(
    judge: Judge, matrix: Matrix, custom_kinds: frozenset[str]
) -> None:
    found = [
        (where, manifest)
        for where, manifest in distinct_objects(matrix)
        if manifest["kind"] not in CUSTOM - custom_kinds
    ]
    with ThreadPoolExecutor(8) as pool:
        verdicts = pool.map(lambda item: judge.fault(item[1]), found)
        faults = [
            f"{where}: {manifest['kind']}: {fault}"
            for (where, manifest), fault in zip(found, verdicts, strict=True)
            if fault
        ]
    assert not faults
    assert len(found) > 100


def test_all_pods_are_accepted_where_restricted_is_enforced(judge: Judge, matrix: Matrix) -> None:
    deployments = [item for item in distinct_objects(matrix) if item[1]["kind"] == "Deployment"]
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda item: judge.pod_fault(item[1]), deployments))
    assert [verdict for verdict in verdicts if verdict] == []
    assert len(deployments) >= 100


def test_the_standard_is_enforced_and_fields_are_strict(
    judge: Judge, matrix: Matrix, custom_kinds: frozenset[str]
) -> None:
    [deployment, *_] = [
        item for _, item in distinct_objects(matrix) if item["kind"] == "Deployment"
    ]
    loose = json.loads(json.dumps(deployment))
    loose["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    assert 'violates PodSecurity "restricted' in judge.pod_fault(loose)
    for manifest in [deployment, *(item for item in SAMPLES if item["kind"] in custom_kinds)]:
        misspelt = {**manifest, "spec": {**manifest["spec"], "misspelt": 1}}
        assert "field not declared in schema" in judge.fault(misspelt)
