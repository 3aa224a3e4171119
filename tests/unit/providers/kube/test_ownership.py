"""What managedFields tell; the fields are as API server 1.36 wrote them."""

import copy
from typing import Any

import pytest

from deployer.ports import FieldOwner
from deployer.providers.kube.ownership import (
    find_owners,
    is_applied,
    migrate_fields,
    old_managers,
)

WANTED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "d", "labels": {"app.kubernetes.io/name": "d"}},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "s",
                        "image": "i",
                        "env": [{"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    }
                ],
                "volumes": [{"name": "e", "emptyDir": {}}],
            }
        },
    },
}
CONTAINER = {
    ".": {},
    "f:name": {},
    "f:image": {},
    "f:env": {
        'k:{"name":"B"}': {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}},
    },
    "f:ports": {
        'k:{"containerPort":80,"protocol":"TCP"}': {
            ".": {},
            "f:containerPort": {},
            "f:protocol": {},
        },
    },
}
POD = {
    "f:containers": {'k:{"name":"s"}': CONTAINER},
    "f:volumes": {'k:{"name":"e"}': {".": {}, "f:emptyDir": {}, "f:name": {}}},
}
FIELDS = {
    "f:metadata": {"f:labels": {"f:app.kubernetes.io/name": {}}},
    "f:spec": {"f:replicas": {}, "f:template": {"f:spec": POD}},
}


def entry(manager: str, fields: Any, operation: str = "Apply", **more: str) -> dict[str, Any]:
    about = {"manager": manager, "operation": operation, "apiVersion": "apps/v1"}
    return {**about, "fieldsType": "FieldsV1", "fieldsV1": fields, **more}


def live(*entries: dict[str, Any]) -> dict[str, Any]:
    """The object as a server keeps it: with its defaults."""
    found = copy.deepcopy(WANTED)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    container["imagePullPolicy"] = "Always"
    container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    found["metadata"] |= {"resourceVersion": "7", "managedFields": list(entries)}
    return found


def test_what_is_applied_already_is_known_without_asking() -> None:
    assert is_applied(WANTED, live(entry("deployer", FIELDS)), manager="deployer")


def without(path: tuple[str, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = copy.deepcopy(FIELDS)
    inner = fields
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return fields


@pytest.mark.parametrize("path", [("f:metadata",), ("f:spec", "f:replicas")])
def test_a_field_that_somebody_took_is_noticed(path: tuple[str, ...]) -> None:
    assert not is_applied(WANTED, live(entry("deployer", without(path))), manager="deployer")


def test_a_field_that_is_no_longer_wanted_is_noticed() -> None:
    fewer = copy.deepcopy(WANTED)
    del fewer["spec"]["replicas"]
    assert not is_applied(fewer, live(entry("deployer", FIELDS)), manager="deployer")


@pytest.mark.parametrize(
    ("field", "value"), [("image", "j"), ("env", []), ("ports", [{"containerPort": 81}])]
)
def test_another_value_is_noticed(field: str, value: Any) -> None:
    wanted = copy.deepcopy(WANTED)
    wanted["spec"]["template"]["spec"]["containers"][0][field] = value
    assert not is_applied(wanted, live(entry("deployer", FIELDS)), manager="deployer")


def test_other_managers_and_other_versions_say_nothing() -> None:
    for found in (
        live(),
        live(entry("kubectl", FIELDS)),
        live(entry("deployer", FIELDS, "Update")),
        live(entry("deployer", FIELDS, subresource="scale")),
        live({**entry("deployer", FIELDS), "apiVersion": "apps/v2"}),
    ):
        assert not is_applied(WANTED, found, manager="deployer")


def test_a_normalised_quantity_counts_as_another_value() -> None:
    """In doubt the server is asked: it knows that 1000m is 1."""
    wanted = {"apiVersion": "apps/v1", "kind": "D", "metadata": {"name": "d"}, "cpu": "1000m"}
    found = {**wanted, "cpu": "1", "metadata": {"name": "d"}}
    found["metadata"] = {"name": "d", "managedFields": [entry("deployer", {"f:cpu": {}})]}
    assert not is_applied(wanted, found, manager="deployer")


def test_who_else_owns_a_field_is_found_unless_we_do() -> None:
    scaler = entry("hpa", {"f:spec": {"f:replicas": {}}}, "Update", subresource="scale")
    found = live(entry("deployer", without(("f:spec", "f:replicas"))), scaler)
    owners = list(find_owners(found, "spec.replicas", manager="deployer"))
    assert owners == [FieldOwner("spec.replicas", "hpa", "scale")]
    both = live(entry("deployer", FIELDS), scaler)
    assert list(find_owners(both, "spec.replicas", manager="deployer")) == []
    label = "metadata.labels.app.kubernetes.io/name"
    assert list(find_owners(live(entry("x", FIELDS)), label, manager="deployer")) != []


def test_fields_of_client_side_managers_become_ours() -> None:
    old = entry("kubectl-client-side-apply", {"f:spec": {"f:paused": {}}}, "Update", time="t")
    status = entry("helm", {"f:status": {}}, "Update", subresource="status")
    stranger = entry("kubectl-edit", {"f:spec": {"f:x": {}}}, "Update")
    found = live(old, status, stranger, entry("deployer", FIELDS))
    assert old_managers(found, api_version="apps/v1") == {"kubectl-client-side-apply"}
    moved = migrate_fields(found, api_version="apps/v1", manager="deployer")
    assert [each["manager"] for each in moved] == ["helm", "kubectl-edit", "deployer"]
    assert moved[-1]["fieldsV1"]["f:spec"].keys() == {"f:replicas", "f:template", "f:paused"}
    first = migrate_fields(live(old), api_version="apps/v1", manager="deployer")
    assert [(each["manager"], each["operation"], each["time"]) for each in first] == [
        ("deployer", "Apply", "t")
    ]
    assert old_managers(live(old), api_version="apps/v2") == set()
