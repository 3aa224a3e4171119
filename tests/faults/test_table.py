"""The table of faults, row by row and cloud by cloud: no wrong byte accepted, no good file lost."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer import errors
from deployer.artifact import Artifact, has_artifact, pull_artifact, push_artifact
from tests.faults.stores import LIMITS

TABLE: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("table.toml").read_text(encoding="utf-8")
)["fault"]
ROWS = [
    pytest.param(row, cloud, id=f"{row['name']}, {cloud}")
    for row in TABLE
    for cloud in row.get("clouds", ["s3", "gcs", "blob"])
]
PARTS = 4
OLD = b"the version that was there before"


@pytest.mark.parametrize(("row", "cloud"), ROWS)
def test_a_fault_ends_as_the_table_says(
    row: dict[str, Any], cloud: str, place: Any, model: Artifact, tmp_path: Path
) -> None:
    wanted = row["outcome"]
    row = {**row, "outcome": wanted if isinstance(wanted, str) else wanted[cloud]}
    act = push if row["act"] == "push" else pull
    for skip in range(PARTS if row.get("each") else 1):
        place.server.faults.clear()
        act(row, place, model, tmp_path / str(skip), skip)


def push(row: dict[str, Any], place: Any, model: Artifact, folder: Path, skip: int) -> None:
    order_all(row, place, skip)
    done = outcome(row["outcome"], lambda: push_artifact(model, place.store))
    place.server.faults.clear()
    clean = place.again()
    assert has_artifact(clean, model.digest) == done
    push_artifact(model, clean, thorough=True)
    pull_artifact(clean, model.digest, folder, limits=LIMITS)
    assert (folder / "weights").read_bytes() == (model.root / "weights").read_bytes()
    for info in list(clean.list()):
        clean.delete(info.key)


def pull(row: dict[str, Any], place: Any, model: Artifact, folder: Path, skip: int) -> None:
    push_artifact(model, place.again())
    folder.mkdir()
    final = folder / "weights"
    final.write_bytes(OLD)
    order_all(row, place, skip)
    done = outcome(
        row["outcome"], lambda: pull_artifact(place.store, model.digest, folder, limits=LIMITS)
    )
    right = (model.root / "weights").read_bytes()
    assert final.read_bytes() == (right if done else OLD)
    place.server.faults.clear()
    pull_artifact(place.again(), model.digest, folder, limits=LIMITS)
    assert [one.name for one in folder.iterdir()] == ["weights"]
    assert final.read_bytes() == right


def order_all(row: dict[str, Any], place: Any, skip: int) -> None:
    for order in row["orders"]:
        place.order(order, skip=skip)


def outcome(wanted: str, act: Callable[[], object]) -> bool:
    """Do it; return whether it was done, and fail when that is not what the table says."""
    if wanted == "done":
        act()
        return True
    kind = getattr(errors, wanted, errors.DeployerError)
    try:
        act()
    except kind:
        return False
    assert wanted == "refused or done"
    return True
