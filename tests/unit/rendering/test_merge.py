import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.rendering.merge import merge_manifest

SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "b", "c"])
PORTS = st.fixed_dictionaries(
    {"containerPort": st.integers(1, 3)},
    optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": st.sampled_from(["a", "b"])},
)
NAMED: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c"])},
    optional={
        "value": SCALARS,
        "valueFrom": st.just({"x": 1}),
        "ports": st.lists(PORTS, max_size=3),
        "$patch": st.sampled_from(["delete", "replace"]),
    },
)
LISTS = st.lists(NAMED, max_size=4, unique_by=lambda each: str(each["name"])) | st.lists(
    SCALARS, max_size=3
)
MAPS = st.recursive(
    st.dictionaries(st.sampled_from(["env", "containers", "args", "x"]), SCALARS | LISTS),
    lambda inner: st.dictionaries(st.sampled_from(["spec", "template", "env"]), inner | SCALARS),
    max_leaves=6,
)
PATCHES = MAPS


@given(MAPS, PATCHES)
def test_merging_twice_is_merging_once(base: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merge_manifest(base, patch)
    assert merge_manifest(once, patch) == once


@given(MAPS)
def test_an_empty_patch_changes_nothing(base: dict[str, Any]) -> None:
    assert merge_manifest(base, {}) == base


@given(MAPS, PATCHES)
def test_arguments_are_never_changed(base: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy((base, patch))
    merge_manifest(base, patch)
    assert (base, patch) == before


@given(MAPS)
def test_what_is_merged_into_nothing_keeps_no_nulls_and_no_directives(
    patch: dict[str, Any],
) -> None:
    def walk(value: Any) -> None:
        assert value is not None
        if isinstance(value, dict):
            assert "$patch" not in value
            for item in value.values():
                walk(item)
        if isinstance(value, list):
            for item in value:
                walk(item)

    walk(merge_manifest({}, patch))


@pytest.mark.parametrize(
    ("base", "patch", "merged"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "merge", "c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}, "c": 1}, {"a": {"$patch": "delete"}}, {"c": 1}),
        ({"args": ["a", "b"]}, {"args": ["c"]}, {"args": ["c"]}),
        ({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"env": {"x": 1}}, {"env": [{"name": "a"}]}, {"env": [{"name": "a"}]}),
        (
            {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]},
            {"containers": [{"name": "b", "image": "y"}, {"name": "c"}]},
            {
                "containers": [
                    {"name": "a", "image": "x"},
                    {"name": "b", "image": "y"},
                    {"name": "c"},
                ]
            },
        ),
        (
            {"env": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
            {"env": [{"name": "a", "$patch": "delete"}]},
            {"env": [{"name": "b", "value": "2"}]},
        ),
        (
            {"env": [{"name": "a", "value": "1"}]},
            {"env": [{"name": "a", "valueFrom": {"x": 1}}]},
            {"env": [{"name": "a", "valueFrom": {"x": 1}}]},
        ),
        (
            {"volumes": [{"name": "a", "emptyDir": {}}]},
            {"volumes": [{"name": "a", "$patch": "replace", "configMap": {"name": "c"}}]},
            {"volumes": [{"name": "a", "configMap": {"name": "c"}}]},
        ),
        (
            {"env": [{"name": "a"}, {"name": "b"}]},
            {"env": [{"$patch": "replace"}, {"name": "c"}]},
            {"env": [{"name": "c"}]},
        ),
        (
            {"volumeMounts": [{"mountPath": "/a", "name": "x"}]},
            {"volumeMounts": [{"mountPath": "/a", "readOnly": True}]},
            {"volumeMounts": [{"mountPath": "/a", "name": "x", "readOnly": True}]},
        ),
        (
            {"ports": [{"containerPort": 80}]},
            {"ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}]},
            {"ports": [{"containerPort": 80, "protocol": "TCP", "name": "http"}]},
        ),
        (
            {"ports": [{"port": 53, "protocol": "UDP"}]},
            {"ports": [{"port": 53}]},
            {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]},
        ),
        (
            {"a": 1},
            {"$patch": "replace", "b": {"c": None, "d": [None, 2]}, "e": None},
            {"b": {"d": [2]}},
        ),
        (
            {"env": [{"nameless": 1}]},
            {"env": [{"name": "a"}]},
            {"env": [{"name": "a"}]},
        ),
    ],
)
def test_it_merges_as_kubectl_does(
    base: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge_manifest(base, patch) == merged
