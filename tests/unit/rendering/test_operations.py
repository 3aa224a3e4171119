import copy
from pathlib import Path

import pytest

from deployer.errors import SpecError
from deployer.rendering.operations import apply_operations


def refuse(path: tuple[str | int, ...], why: str) -> SpecError:
    return SpecError(f"{path}: {why}", file=Path("patch.json"))


def test_operations_are_done_in_order_and_change_no_argument() -> None:
    before = {"spec": {"list": [1, 2]}}
    untouched = copy.deepcopy(before)
    operations = [
        {"op": "add", "path": "/spec/list/0", "value": 0},
        {"op": "copy", "from": "/spec/list", "path": "/spec/other"},
        {"op": "remove", "path": "/spec/list"},
    ]
    assert apply_operations(before, operations, refuse) == {"spec": {"other": [0, 1, 2]}}
    assert before == untouched


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "spec"},
        {"op": "add", "path": "/spec/list/9", "value": 1},
        {"op": "add", "path": "/spec/list/x", "value": 1},
        {"op": "move", "path": "/spec"},
        {"op": "replace", "path": "/spec/list/0/deep", "value": 1},
        {"op": "remove", "path": "/"},
        {"op": "add", "path": 3, "value": 1},
        {"op": ["add"], "path": "/a", "value": 1},
    ],
)
def test_the_operation_that_cannot_be_done_is_named(operation: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"\(1,\): "):
        apply_operations(
            {"spec": {"list": [1]}},
            [{"op": "test", "path": "/spec/list/0", "value": 1}, operation],
            refuse,
        )
