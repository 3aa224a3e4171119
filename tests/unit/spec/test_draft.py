from itertools import combinations
from pathlib import Path

import pytest

from deployer.errors import SourceError
from deployer.spec import draft_spec, load_spec
from deployer.spec.draft import write_draft
from deployer.values import Cloud


@pytest.mark.parametrize("clouds", [*combinations(Cloud, 1), tuple(Cloud)])
def test_a_draft_loads_as_it_is(tmp_path: Path, clouds: tuple[Cloud, ...]) -> None:
    file = tmp_path / "deployer.yaml"
    write_draft(file, draft_spec("iris", clouds))
    spec = load_spec(file)
    assert [target.provider for target in spec.targets] == list(clouds)
    assert spec.name == "iris"


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "deployer.yaml"
    file.write_text("mine")
    with pytest.raises(SourceError, match="is there already"):
        write_draft(file, "other")
    assert file.read_text() == "mine"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot write"):
        write_draft(tmp_path / "nowhere" / "deployer.yaml", "text")


def test_a_name_that_kubernetes_refuses_is_refused_at_once() -> None:
    with pytest.raises(SourceError, match="'My Model' cannot be a name"):
        draft_spec("My Model", [Cloud.AWS])
