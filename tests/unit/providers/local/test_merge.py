from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deployer.providers.local.merge import merge_applied

DOCUMENTS = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
MAPS = st.dictionaries(st.sampled_from("abcd"), DOCUMENTS, max_size=4)


@given(MAPS, MAPS)
def test_what_nobody_else_wrote_becomes_exactly_what_is_wanted(
    before: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert merge_applied(before, before, wanted) == wanted


@given(MAPS, MAPS, MAPS)
def test_applying_twice_changes_nothing(
    live: dict[str, Any], before: dict[str, Any], wanted: dict[str, Any]
) -> None:
    once = merge_applied(live, before, wanted)
    assert merge_applied(once, wanted, wanted) == once


def test_fields_of_others_are_left_alone() -> None:
    live = {"a": {"ours": 1, "theirs": 2}, "theirs": 3}
    assert merge_applied(live, {"a": {"ours": 1}}, {}) == {"a": {"theirs": 2}, "theirs": 3}


def test_containers_merge_by_name_and_ports_by_number_and_protocol() -> None:
    live = {
        "containers": [
            {"name": "a", "ports": [{"containerPort": 1, "protocol": "TCP", "hostPort": 5}]},
            {"name": "sidecar"},
        ]
    }
    before = {"containers": [{"name": "a", "ports": [{"containerPort": 1}]}]}
    wanted = {"containers": [{"name": "a", "ports": [{"containerPort": 1, "name": "http"}]}]}
    assert merge_applied(live, before, wanted) == {
        "containers": [
            {
                "name": "a",
                "ports": [
                    {"containerPort": 1, "protocol": "TCP", "hostPort": 5, "name": "http"},
                ],
            },
            {"name": "sidecar"},
        ]
    }


def test_lists_without_keys_are_replaced_whole() -> None:
    assert merge_applied({"args": ["a", "b"]}, {"args": ["a", "b"]}, {"args": ["c"]}) == {
        "args": ["c"]
    }


def test_an_item_that_is_no_longer_named_is_removed_from_a_keyed_list() -> None:
    before = {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    live = {"env": [*before["env"], {"name": "THEIRS", "value": "3"}]}
    wanted = {"env": [{"name": "B", "value": "2"}]}
    assert merge_applied(live, before, wanted) == {
        "env": [{"name": "B", "value": "2"}, {"name": "THEIRS", "value": "3"}]
    }
    assert merge_applied(live, before, {}) == {"env": [{"name": "THEIRS", "value": "3"}]}
