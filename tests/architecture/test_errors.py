"""Every error of ours ends in an exit code, and every adapter has a place for its SDK's errors."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer import errors
from deployer.cli import app as entry
from deployer.providers.aws.errors import CLASSES as AWS
from deployer.providers.azure.errors import CLASSES as AZURE
from deployer.providers.gcp.errors import CLASSES as GCP
from deployer.providers.translation import class_of

FIELDS: dict[str, Any] = {
    "file": Path("deployer.yaml"),
    "operation": "read",
    "resource": "s3://acme",
    "release": 7,
    "holder": "ann",
    "expires_at": datetime(2026, 1, 1, tzinfo=UTC),
}


def kinds(root: type[errors.DeployerError] = errors.DeployerError) -> Iterator[type[Any]]:
    yield root
    for child in root.__subclasses__():
        yield from kinds(child)


def make(kind: type[Any]) -> errors.DeployerError:
    wanted = kind.__init__.__kwdefaults__ or {}
    names = kind.__init__.__code__.co_varnames[: kind.__init__.__code__.co_kwonlyargcount + 2]
    required = {name: FIELDS[name] for name in names if name in FIELDS and name not in wanted}
    error: errors.DeployerError = kind("it failed", **required)
    return error


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=str))
def test_every_error_has_an_exit_code_that_is_documented(kind: type[Any]) -> None:
    code = entry.exit_code_of(make(kind))
    assert str(code) in re.findall(r"^(\d+) ", entry.__doc__ or "", re.MULTILINE)
    assert code not in (0, 2)


def test_what_could_not_be_undone_has_a_code_of_its_own() -> None:
    assert entry.exit_code_of(errors.RolloutError("it failed", release=7, undone=True)) == 1
    assert entry.exit_code_of(errors.RolloutError("it failed", release=7, undone=False)) == 3


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    ours = [kind for kind in kinds() if kind.__module__ == "deployer.errors"]
    assert sorted(drawn) == sorted({kind.__name__ for kind in ours} - {"DeployerError"})


def test_no_error_is_kept_from_the_public_names() -> None:
    ours = {kind.__name__ for kind in kinds() if kind.__module__ == "deployer.errors"}
    assert ours <= set(errors.__all__)


@pytest.mark.parametrize("table", [AWS, GCP, AZURE], ids=["aws", "gcp", "azure"])
def test_a_class_without_a_place_is_found(table: Any) -> None:
    class NewInTheSdkError(Exception):
        pass

    assert class_of(NewInTheSdkError("boom"), table) is None
