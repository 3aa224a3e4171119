"""What every `Cluster` promises of applying many objects, asked of each adapter."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import (
    FieldConflictError,
    LeaseLostError,
    PreconditionError,
    ProviderError,
)
from deployer.ports import (
    Applied,
    ApplyOptions,
    ApplyResult,
    Cluster,
    FieldOwner,
    Manifest,
    ObjectRef,
    Policy,
)
from deployer.providers.http.probe import HttpProbe
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.cluster import LocalCluster
from deployer.providers.local.cluster_faults import FlakyCluster
from deployer.providers.local.lifecycle import stop_cluster
from deployer.providers.local.memory_cluster import MemoryCluster
from tests.cluster.rig import ApiServer

CLOCK = SystemClock()
SET = "applyset-test-v1"
PART_OF = "applyset.kubernetes.io/part-of"
MEMBERS = ApplyOptions(member_of=SET)
Edit = Callable[[Manifest, str], None]


@dataclass(frozen=True)
class Rig:
    """A cluster under test, and how somebody else writes to it."""

    cluster: Cluster
    edit: Edit | None

    def need_others(self) -> Edit:
        if self.edit is None:
            pytest.skip("nobody else writes to a local cluster")
        return self.edit


@pytest.fixture(params=["memory", "flaky", "local", "kube"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    match request.param:
        case "memory" | "flaky":
            memory = MemoryCluster(clock=CLOCK, namespace="models")
            flaky = FlakyCluster(memory, CLOCK)
            yield Rig(
                flaky if request.param == "flaky" else memory,
                lambda change, manager: memory.edit(change, manager=manager),
            )
        case "local":
            yield Rig(LocalCluster(tmp_path / "cluster", "models", probe=HttpProbe(CLOCK)), None)
            stop_cluster(tmp_path / "cluster", now=True)
        case _:
            yield from _kube_rig(request.getfixturevalue("api_server"))


def _kube_rig(server: ApiServer) -> Iterator[Rig]:
    cluster = connect_cluster(
        namespace=f"deployer-test-{uuid.uuid4().hex[:8]}",
        clock=CLOCK,
        kubeconfig=str(server.kubeconfig),
        context=server.context,
    )
    yield Rig(cluster, lambda change, manager: _edit(cluster, change, manager))
    for manifest in cluster.list({}):
        cluster.delete(ObjectRef.of(manifest))


def _edit(cluster: KubeCluster, change: Manifest, manager: str) -> None:
    """Write as ``kubectl edit`` does, or as an autoscaler through the scale subresource."""
    path = cluster._objects.path(ObjectRef.of(change))
    name, _, subresource = manager.partition("/")
    cluster._api.decode(
        cluster._api.send(
            "PATCH",
            f"{path}/{subresource}" if subresource else path,
            query={"fieldManager": name},
            headers={"Content-Type": "application/merge-patch+json"},
            body={"spec": change["spec"]} if subresource else change,
            operation="edit",
            resource=str(ObjectRef.of(change)),
        ),
        "edit",
        str(ObjectRef.of(change)),
    )


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"deployer/name": "iris"}},
        "data": data,
    }


def deployment(name: str = "iris", *, replicas: int = 0) -> dict[str, Any]:
    labels = {"deployer/name": "iris", "workload": name}
    container = {
        "name": "server",
        "image": "docker.io/library/python:3.11-slim",
        "command": ["sleep", "3600"],
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "MODE", "value": "fast"},
        ],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }
    pod = {"containers": [container], "volumes": [{"name": "model", "emptyDir": {}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def service(name: str = "iris") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"deployer/name": "iris"}},
        "spec": {
            "selector": {"workload": name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def verdicts(results: tuple[ApplyResult, ...]) -> list[Applied | None]:
    assert [result.error for result in results if result.error] == []
    return [result.applied for result in results]


def only(results: tuple[ApplyResult, ...]) -> ApplyResult:
    (result,) = results
    return result


def live(cluster: Cluster, manifest: Manifest) -> Any:
    found = cluster.get(ObjectRef.of(manifest))
    assert found is not None
    return found


def test_many_objects_are_created_then_left_alone_then_changed(rig: Rig) -> None:
    objects = [deployment(), service(), config_map(color="red"), config_map("other", a="1")]
    assert set(verdicts(rig.cluster.apply_all(objects, MEMBERS))) == {Applied.CREATED}
    assert set(verdicts(rig.cluster.apply_all(objects, MEMBERS))) == {Applied.UNCHANGED}
    objects[2] = config_map(color="blue")
    after = rig.cluster.apply_all(objects, MEMBERS)
    assert verdicts(after) == ["unchanged", "unchanged", "changed", "unchanged"]
    assert [result.ref for result in after] == [ObjectRef.of(manifest) for manifest in objects]
    assert live(rig.cluster, objects[2])["data"] == {"color": "blue"}


def test_what_others_depend_on_is_written_first(rig: Rig) -> None:
    objects = [deployment(), service(), config_map()]
    rig.cluster.apply_all(objects, MEMBERS)
    versions = [int(live(rig.cluster, m)["metadata"]["resourceVersion"]) for m in objects[1:]]
    assert versions == sorted(versions, reverse=True)


def test_members_carry_the_label_of_their_set(rig: Rig) -> None:
    rig.cluster.apply_all([config_map(a="1"), service()], MEMBERS)
    rig.cluster.apply_all([config_map("stranger", a="1")])
    found = rig.cluster.list({PART_OF: SET})
    assert [(m["kind"], m["metadata"]["name"]) for m in found] == [
        ("Service", "iris"),
        ("ConfigMap", "settings"),
    ]


def test_a_dry_run_of_many_tells_each_field_and_changes_nothing(rig: Rig) -> None:
    rig.cluster.apply_all([config_map(color="red", size="big")], MEMBERS)
    before = live(rig.cluster, config_map())
    changed, new = rig.cluster.apply_all(
        [config_map(color="blue", shape="round"), config_map("new", a="1")],
        ApplyOptions(member_of=SET, dry_run=True),
    )
    assert [(field.path, field.before, field.after) for field in changed.fields] == [
        ("data.color", '"red"', '"blue"'),
        ("data.shape", None, '"round"'),
        ("data.size", '"big"', None),
    ]
    assert (new.applied, new.fields) == (Applied.CREATED, ())
    assert live(rig.cluster, config_map()) == before
    assert rig.cluster.get(ObjectRef("v1", "ConfigMap", "new")) is None


def test_what_a_secret_holds_is_never_told(rig: Rig) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}}
    rig.cluster.apply_all([{**secret, "data": {"token": "b2xk"}}], MEMBERS)
    result = only(rig.cluster.apply_all([{**secret, "data": {"token": "bmV3"}}], MEMBERS))
    assert [(field.path, field.before, field.after) for field in result.fields] == [
        ("data.token", "(hidden)", "(hidden)")
    ]


def test_two_objects_of_one_name_are_refused_before_anything_is_touched(rig: Rig) -> None:
    with pytest.raises(ProviderError, match=r"ConfigMap/settings .* is there 2 times"):
        rig.cluster.apply_all([config_map(a="1"), service(), config_map(a="2")], MEMBERS)
    assert rig.cluster.list({"deployer/name": "iris"}) == ()


def test_an_object_for_another_namespace_is_refused_before_anything_is_touched(rig: Rig) -> None:
    lost = config_map("lost")
    lost["metadata"]["namespace"] = "elsewhere"
    with pytest.raises(ProviderError, match="its namespace is elsewhere, and objects go to"):
        rig.cluster.apply_all([config_map(a="1"), lost], MEMBERS)
    assert rig.cluster.list({"deployer/name": "iris"}) == ()


def test_after_a_failure_its_phase_is_finished_and_no_other_begun(rig: Rig) -> None:
    broken = service("broken")
    broken["spec"]["ports"] = []
    results = rig.cluster.apply_all([deployment(), service(), broken, config_map()], MEMBERS)
    done = {result.ref.name: result for result in results}
    assert set(done) == {"settings", "broken", "iris"}
    assert done["iris"].ref.kind == "Service"
    assert "broken" in str(done["broken"].error)
    assert done["broken"].applied is None
    assert rig.cluster.get(ObjectRef.of(deployment())) is None


def test_a_field_somebody_else_changed_is_a_conflict_that_names_it(rig: Rig) -> None:
    edit = rig.need_others()
    rig.cluster.apply_all([deployment()], MEMBERS)
    edit({**_head(deployment()), "spec": {"replicas": 3}}, "kubectl-edit")
    failed = only(rig.cluster.apply_all([deployment()], MEMBERS))
    assert isinstance(failed.error, FieldConflictError)
    assert 'Deployment/iris: field spec.replicas is owned by "kubectl-edit"' in str(failed.error)
    assert 'conflicts: {"Deployment:spec.replicas": force}' in str(failed.error.hint)
    assert live(rig.cluster, deployment())["spec"]["replicas"] == 3


def test_a_dry_run_tells_a_conflict_and_what_it_is_about(rig: Rig) -> None:
    edit = rig.need_others()
    rig.cluster.apply_all([deployment()], MEMBERS)
    edit({**_head(deployment()), "spec": {"replicas": 3}}, "kubectl-edit")
    options = ApplyOptions(member_of=SET, dry_run=True)
    found = only(rig.cluster.apply_all([deployment()], options))
    assert found.conflicts == (FieldOwner("spec.replicas", "kubectl-edit"),)
    assert [(f.path, f.before, f.after) for f in found.fields] == [("spec.replicas", "3", "0")]
    assert live(rig.cluster, deployment())["spec"]["replicas"] == 3


@pytest.mark.parametrize("key", ["apps/v1/Deployment:spec.replicas", "Deployment:spec"])
def test_a_yielded_field_stays_with_its_owner(rig: Rig, key: str) -> None:
    edit = rig.need_others()
    rig.cluster.apply_all([deployment()], MEMBERS)
    edit({**_head(deployment()), "spec": {"replicas": 3}}, "kubectl-edit")
    options = ApplyOptions(member_of=SET, policies={key: Policy.YIELD})
    for _ in range(2):
        result = only(rig.cluster.apply_all([deployment()], options))
        assert result.error is None
        assert [owner.path for owner in result.yielded] == ["spec.replicas"]
    assert live(rig.cluster, deployment())["spec"]["replicas"] == 3


def test_a_forced_field_is_taken_over(rig: Rig) -> None:
    edit = rig.need_others()
    rig.cluster.apply_all([deployment()], MEMBERS)
    edit({**_head(deployment()), "spec": {"replicas": 3}}, "kubectl-edit")
    options = ApplyOptions(member_of=SET, policies={"Deployment:spec.replicas": Policy.FORCE})
    assert verdicts(rig.cluster.apply_all([deployment()], options)) == [Applied.CHANGED]
    assert live(rig.cluster, deployment())["spec"]["replicas"] == 0
    assert verdicts(rig.cluster.apply_all([deployment()], MEMBERS)) == [Applied.UNCHANGED]


def test_the_replicas_of_an_autoscaler_are_its_own(rig: Rig) -> None:
    edit = rig.need_others()
    rig.cluster.apply_all([deployment(replicas=1)], MEMBERS)
    edit({**_head(deployment()), "spec": {"replicas": 4}}, "kube-controller-manager/scale")
    for expected in (Applied.CHANGED, Applied.UNCHANGED):
        result = only(rig.cluster.apply_all([deployment(replicas=2)], MEMBERS))
        assert result.applied in {expected, Applied.UNCHANGED}
        assert [owner.manager for owner in result.yielded] == ["kube-controller-manager"]
    assert live(rig.cluster, deployment())["spec"]["replicas"] == 4


def test_replicas_that_a_person_scaled_are_no_autoscalers(rig: Rig) -> None:
    edit = rig.need_others()
    rig.cluster.apply_all([deployment(replicas=1)], MEMBERS)
    edit({**_head(deployment()), "spec": {"replicas": 4}}, "kubectl/scale")
    failed = only(rig.cluster.apply_all([deployment(replicas=2)], MEMBERS))
    assert 'spec.replicas is owned by "kubectl" (scale)' in str(failed.error)


def test_a_member_of_another_set_is_not_touched(rig: Rig) -> None:
    rig.cluster.apply_all([config_map(color="red")], ApplyOptions(member_of="applyset-theirs-v1"))
    failed = only(rig.cluster.apply_all([config_map(color="blue")], MEMBERS))
    assert "ConfigMap/settings is somebody else's" in str(failed.error)
    assert "applyset-theirs-v1" in str(failed.error)
    assert live(rig.cluster, config_map())["data"] == {"color": "red"}


def test_an_object_with_an_owner_is_not_touched(rig: Rig) -> None:
    rig.cluster.apply(config_map("boss"))
    boss = live(rig.cluster, config_map("boss"))["metadata"]["uid"]
    owned = config_map(color="red")
    owned["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "boss", "uid": boss}
    ]
    rig.cluster.apply_all([owned])
    failed = only(rig.cluster.apply_all([config_map(color="blue")], MEMBERS))
    assert "it is owned by ConfigMap/boss" in str(failed.error)


def test_what_another_run_wrote_after_our_look_is_not_overwritten(rig: Rig) -> None:
    rig.cluster.apply_all([config_map(color="red")], MEMBERS)
    asked: list[int] = []

    def guard() -> None:
        asked.append(1)
        if len(asked) == 1:
            rig.cluster.apply_all([config_map(color="newer")], MEMBERS)
        else:
            raise LeaseLostError("a later run has been here")

    with pytest.raises(LeaseLostError):
        rig.cluster.apply_all([config_map(color="stale")], ApplyOptions(member_of=SET, guard=guard))
    assert live(rig.cluster, config_map())["data"] == {"color": "newer"}


def test_what_moved_since_it_was_read_is_read_again(rig: Rig) -> None:
    rig.cluster.apply_all([config_map(color="red")], MEMBERS)
    asked: list[int] = []

    def guard() -> None:
        asked.append(1)
        if len(asked) == 1:
            rig.cluster.apply_all([config_map(color="newer")], MEMBERS)

    options = ApplyOptions(member_of=SET, guard=guard)
    assert verdicts(rig.cluster.apply_all([config_map(color="ours")], options)) == ["changed"]
    assert live(rig.cluster, config_map())["data"] == {"color": "ours"}
    assert len(asked) == 2


def test_a_delete_may_ask_for_a_version(rig: Rig) -> None:
    rig.cluster.apply_all([config_map(a="1")], MEMBERS)
    ref, version = ObjectRef.of(config_map()), live(rig.cluster, config_map())["metadata"]
    rig.cluster.apply_all([config_map(a="2")], MEMBERS)
    with pytest.raises(PreconditionError):
        rig.cluster.delete(ref, if_version=version["resourceVersion"])
    rig.cluster.delete(
        ref, if_version=live(rig.cluster, config_map())["metadata"]["resourceVersion"]
    )
    assert rig.cluster.get(ref) is None
    rig.cluster.delete(ref, if_version="12345")


def _head(manifest: Manifest) -> dict[str, Any]:
    names = {"name": manifest["metadata"]["name"]}
    return {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": names}
