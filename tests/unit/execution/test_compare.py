"""What `deployer diff` and `deployer drift` are told, over three clouds in memory."""

from typing import Any

from deployer.execution import diff_plan, find_drift
from deployer.ports import FieldOwner, ObjectRef

World = Any

WORKLOAD = ObjectRef("apps/v1", "Deployment", "iris-r1")
HEAD = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "iris-r1"}}


def test_a_first_deploy_would_create_everything(world: World) -> None:
    machine = world.start()
    diffs = diff_plan(machine.session, machine.plan())
    assert [diff.target for diff in diffs] == ["aws", "azure", "gcp"]
    assert {item.op for diff in diffs for item in diff.objects} == {"create"}
    assert all(cluster.list({}) == () for cluster in world.clusters.values())


def test_what_was_deployed_has_no_diff_and_no_drift(world: World) -> None:
    machine = world.start()
    machine.deploy()
    assert not any(diff.differs for diff in diff_plan(machine.session, machine.plan()))
    assert [(d.target, d.objects, d.unknown) for d in find_drift(machine.session)] == [
        (name, (), "") for name in ("aws", "azure", "gcp")
    ]


def test_what_somebody_changed_is_drift_with_its_field_and_owner(world: World) -> None:
    machine = world.start()
    machine.deploy()
    world.clusters["azure"].edit({**HEAD, "spec": {"replicas": 5}}, manager="kubectl-edit")
    aws, azure, _ = find_drift(machine.session)
    assert not aws.differs
    (item,) = azure.objects
    assert (item.op, item.name) == ("conflict", "iris-r1")
    assert [(f.path, f.before, f.after) for f in item.fields] == [("spec.replicas", "5", "1")]
    assert item.conflicts == (FieldOwner("spec.replicas", "kubectl-edit"),)


def test_what_somebody_deleted_is_drift(world: World) -> None:
    machine = world.start()
    machine.deploy()
    world.clusters["gcp"].delete(WORKLOAD)
    (item,) = find_drift(machine.session)[2].objects
    assert (item.op, item.kind, item.name) == ("create", "Deployment", "iris-r1")


def test_an_autoscalers_replicas_are_no_drift(world: World) -> None:
    machine = world.start()
    machine.deploy()
    manager = "kube-controller-manager/scale"
    world.clusters["gcp"].edit({**HEAD, "spec": {"replicas": 5}}, manager=manager)
    assert not any(diff.differs for diff in find_drift(machine.session))


def test_a_cluster_that_is_away_is_unknown_and_no_other_is(world: World) -> None:
    machine = world.start()
    machine.deploy()
    machine.clusters["aws"].down = True
    aws, azure, gcp = find_drift(machine.session)
    assert "the cluster is down" in aws.unknown
    assert not aws.differs
    assert (azure.unknown, gcp.unknown) == ("", "")


def test_a_target_that_the_spec_lost_is_told_as_such(world: World) -> None:
    world.start().deploy()
    world.drop_gcp()
    gcp = find_drift(world.start().session)[2]
    assert (gcp.target, gcp.release) == ("gcp", 1)
    assert "no target of this name" in gcp.unknown
