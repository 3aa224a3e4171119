# ruff: noqa: S108 - names in manifests, nothing is written
import base64
from typing import Any

import pytest

from deployer.ports import Manifest
from deployer.providers.local.supervisor.environment import (
    expand,
    resolve_environment,
    translate_paths,
)
from deployer.providers.local.supervisor.problems import ContainerError

POD: dict[str, Any] = {
    "metadata": {"name": "web-1", "namespace": "models", "labels": {"deployer/release": "4"}},
    "status": {"podIP": "127.9.9.9"},
}
OBJECTS: dict[tuple[str, str], Manifest] = {
    ("ConfigMap", "settings"): {"data": {"COLOR": "red", "SIZE": "big"}},
    ("Secret", "login"): {"data": {"user": base64.b64encode(b"iris").decode()}},
}


def find(kind: str, name: str) -> Manifest | None:
    return OBJECTS.get((kind, name))


def resolve(*env: dict[str, Any], sources: tuple[dict[str, Any], ...] = ()) -> dict[str, str]:
    return resolve_environment({"env": list(env), "envFrom": list(sources)}, POD, find)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("x$(A)$(B)y", "x12y"),
        ("$(UNKNOWN)", "$(UNKNOWN)"),
        ("$$(A)", "$(A)"),
        ("$A ${A} $", "$A ${A} $"),
        ("100$$", "100$"),
    ],
)
def test_references_expand_as_in_kubernetes(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected


def test_variables_see_those_before_them() -> None:
    found = resolve({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"})
    assert found == {"A": "1", "B": "1$(C)"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status.podIP", "127.9.9.9"),
        ("metadata.name", "web-1"),
        ("metadata.namespace", "models"),
        ("metadata.labels['deployer/release']", "4"),
    ],
)
def test_fields_of_the_pod_are_read(path: str, value: str) -> None:
    assert resolve({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}) == {"A": value}


def test_config_maps_and_secrets_are_read() -> None:
    color = {"configMapKeyRef": {"name": "settings", "key": "COLOR"}}
    user = {"secretKeyRef": {"name": "login", "key": "user"}}
    source = {"configMapRef": {"name": "settings"}, "prefix": "P_"}
    found = resolve(
        {"name": "A", "valueFrom": color}, {"name": "B", "valueFrom": user}, sources=(source,)
    )
    assert found == {"P_COLOR": "red", "P_SIZE": "big", "A": "red", "B": "iris"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "a"}}, "ConfigMap none does not exist"),
        ({"configMapKeyRef": {"name": "settings", "key": "a"}}, "has no key a"),
        ({"fieldRef": {"fieldPath": "spec.nodeName"}}, "no field spec.nodeName"),
        ({"resourceFieldRef": {"resource": "limits.cpu"}}, "does not know resourceFieldRef"),
    ],
)
def test_what_is_missing_is_named(source: dict[str, Any], message: str) -> None:
    with pytest.raises(ContainerError, match=message) as problem:
        resolve({"name": "A", "valueFrom": source})
    assert problem.value.reason == "CreateContainerConfigError"


def test_what_is_optional_may_be_missing() -> None:
    reference = {"name": "none", "key": "a", "optional": True}
    assert resolve({"name": "A", "valueFrom": {"configMapKeyRef": reference}}) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/mnt/models", "/pod"),
        ("/mnt/models/a/b", "/pod/a/b"),
        ("--to=/mnt/models", "--to=/pod"),
        ("file:///mnt/models/a", "file:///pod/a"),
        ("cat /mnt/models/a > /mnt/models/b", "cat /pod/a > /pod/b"),
        ("/mnt/models2", "/mnt/models2"),
        ("/srv/mnt/models", "/srv/mnt/models"),
        ("s3://mnt/models", "s3://mnt/models"),
    ],
)
def test_mount_paths_are_translated_whole_or_as_a_beginning(text: str, expected: str) -> None:
    assert translate_paths(text, {"/mnt/models": "/pod"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/tmp/metrics", "/pod/metrics"),
        ("--dir=/tmp", "--dir=/pod"),
        ("/tmp/there/python", "/tmp/there/python"),
        ("file:///tmp/store", "file:///tmp/store"),
        ("/tmpfiles", "/tmpfiles"),
        ("a=/tmp/x b=/tmp/there/y", "a=/pod/x b=/tmp/there/y"),
    ],
)
def test_a_mount_over_tmp_hides_only_what_is_not_there(text: str, expected: str) -> None:
    found = translate_paths(
        text,
        {"/tmp": "/pod"},
        exists=lambda path: path.startswith("/tmp/there/"),
    )
    assert found == expected
