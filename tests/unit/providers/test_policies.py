import pytest

from deployer.ports import FieldOwner, Policy
from deployer.providers.policies import is_autoscalers, leave_out, policy_for, yielded_paths

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "a", "app": "b"}},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "server",
                        "image": "one",
                        "ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}],
                    },
                    {"name": "proxy", "image": "two"},
                ]
            }
        },
    },
}
IMAGE = 'spec.template.spec.containers[name="server"].image'


@pytest.mark.parametrize(
    ("key", "path", "speaks"),
    [
        ("Deployment:spec.replicas", "spec.replicas", True),
        ("apps/v1/Deployment:.spec.replicas", "spec.replicas", True),
        ("Deployment:spec", "spec.replicas", True),
        (f"Deployment:{IMAGE}", IMAGE, True),
        ("Deployment:spec.template.spec.containers.image", IMAGE, True),
        ("Deployment:spec.template.spec.containers", IMAGE, True),
        ("Deployment:spec.replica", "spec.replicas", False),
        ("extensions/v1/Deployment:spec.replicas", "spec.replicas", False),
        ("Service:spec", "spec.replicas", False),
        ('Deployment:spec.template.spec.containers[name="proxy"]', IMAGE, False),
    ],
)
def test_a_policy_speaks_of_its_field_and_all_below(key: str, path: str, speaks: bool) -> None:
    found = policy_for(FieldOwner(path, "kubectl"), DEPLOYMENT, {key: Policy.FORCE})
    assert found is (Policy.FORCE if speaks else Policy.FAIL)


def test_the_longest_path_decides() -> None:
    policies = {"Deployment:spec": Policy.YIELD, "Deployment:spec.replicas": Policy.FORCE}
    owner = FieldOwner("spec.replicas", "kubectl")
    assert policy_for(owner, DEPLOYMENT, policies) is Policy.FORCE
    assert yielded_paths(DEPLOYMENT, policies) == ["spec"]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (FieldOwner("spec.replicas", "kube-controller-manager", "scale"), True),
        (FieldOwner("spec.replicas", "keda-operator", "scale"), True),
        (FieldOwner("spec.replicas", "kubectl", "scale"), False),
        (FieldOwner("spec.replicas", "kube-controller-manager"), False),
        (FieldOwner("spec.paused", "kube-controller-manager", "scale"), False),
    ],
)
def test_only_autoscalers_may_have_the_replicas(owner: FieldOwner, expected: bool) -> None:
    assert is_autoscalers(owner) is expected
    assert policy_for(owner, DEPLOYMENT, {}) is (Policy.YIELD if expected else Policy.FAIL)


def test_an_autoscaler_can_be_overruled() -> None:
    owner = FieldOwner("spec.replicas", "kube-controller-manager", "scale")
    policies = {"Deployment:spec.replicas": Policy.FORCE}
    assert policy_for(owner, DEPLOYMENT, policies) is Policy.FORCE


def test_fields_are_left_out_by_the_paths_that_servers_write() -> None:
    left = leave_out(
        DEPLOYMENT,
        [
            IMAGE,
            "spec.replicas",
            "metadata.labels.app.kubernetes.io/name",
            "spec.nothing.of.the.kind",
            'spec.template.spec.containers[name="proxy"]',
        ],
    )
    assert left["metadata"]["labels"] == {"app": "b"}
    assert "replicas" not in left["spec"]
    (server,) = left["spec"]["template"]["spec"]["containers"]
    assert server == {"name": "server", "ports": [_port()]}
    assert DEPLOYMENT["spec"]["replicas"] == 2  # type: ignore[index]


def test_an_item_is_found_by_all_of_its_keys() -> None:
    ports = 'spec.template.spec.containers[name="server"].ports'
    kept = leave_out(DEPLOYMENT, [f'{ports}[containerPort=80,protocol="UDP"].name'])
    assert kept == DEPLOYMENT
    left = leave_out(DEPLOYMENT, [f'{ports}[containerPort=80,protocol="TCP"].name'])
    (port,) = left["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert port == {"containerPort": 80, "protocol": "TCP"}


def _port() -> dict[str, object]:
    return {"containerPort": 80, "protocol": "TCP", "name": "http"}
