from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.providers.differences import diff_fields, flatten_fields


def config_map(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **more}


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(field.path, field.before, field.after) for field in diff_fields(before, after)]


def test_each_field_is_told_with_both_values() -> None:
    before = config_map(data={"color": "red", "size": "big"})
    after = config_map(data={"color": "blue", "shape": "round"})
    assert changes(before, after) == [
        ("data.color", '"red"', '"blue"'),
        ("data.shape", None, '"round"'),
        ("data.size", '"big"', None),
    ]


def test_items_of_a_list_are_told_apart_by_their_names() -> None:
    one = {"name": "A", "value": "1"}
    before = config_map(env=[one, {"name": "B", "value": "2"}])
    after = config_map(env=[{"name": "C", "value": "3"}, {"name": "A", "value": "9"}])
    assert changes(before, after) == [
        ('env[name="A"].value', '"1"', '"9"'),
        ('env[name="B"]', '{"name": "B", "value": "2"}', None),
        ('env[name="C"].name', None, '"C"'),
        ('env[name="C"].value', None, '"3"'),
    ]


def test_a_list_without_names_is_one_value() -> None:
    found = changes(config_map(args=["a", "b"]), config_map(args=["b"]))
    assert found == [("args", '["a", "b"]', '["b"]')]


def test_bookkeeping_and_status_are_no_difference() -> None:
    before, after = config_map(status={"a": 1}), config_map(status={"a": 2})
    before["metadata"] = {"name": "a", "resourceVersion": "1", "managedFields": [1], "uid": "x"}
    assert changes(before, after) == []


def test_of_secrets_only_the_keys_are_told() -> None:
    before, after = config_map(data={"token": "b2xk"}), config_map(data={"token": "bmV3"})
    for manifest in (before, after):
        manifest["kind"] = "Secret"
    assert changes(before, after) == [("data.token", "(hidden)", "(hidden)")]


def test_long_values_are_cut() -> None:
    ((_, old, _),) = changes(config_map(data={"a": "x" * 999}), config_map(data={"a": "y"}))
    assert len(old) == 200


def test_a_manifest_is_its_values_by_path() -> None:
    assert flatten_fields(config_map(data={"a": "1"}, empty={})) == {"data.a": "1"}


_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3)
        | st.lists(inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(_VALUES, _VALUES)
def test_there_is_a_difference_exactly_when_there_is_one(one: Any, two: Any) -> None:
    found = diff_fields(config_map(data=one), config_map(data=two))
    if found:
        assert one != two
    assert all(field.before != field.after for field in found if "…" not in str(field))
    assert diff_fields(config_map(data=one), config_map(data=one)) == ()
