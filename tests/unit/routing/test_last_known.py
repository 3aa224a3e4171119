import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.errors import StateError
from deployer.release.records import RouteSettings
from deployer.routing.last_known import load_routes, save_routes
from deployer.routing.static import make_routes, parse_backend

ROUTES = make_routes(
    [parse_backend("a=http://x:1")],
    settings=RouteSettings(),
    now=datetime(2026, 1, 1, tzinfo=UTC),
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "routes.json"
    save_routes(path, ROUTES)
    save_routes(path, ROUTES)
    assert load_routes(path) == ROUTES
    assert [entry.name for entry in path.parent.iterdir()] == ["routes.json"]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="can't be read"):
        load_routes(tmp_path / "none.json")


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "routes.json"
    path.write_text("{")
    with pytest.raises(StateError, match="is damaged"):
        load_routes(path)


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="can't be written"):
        save_routes(tmp_path / "file" / "routes.json", ROUTES)
    (tmp_path / "folder" / "routes.json").mkdir(parents=True)
    with pytest.raises(StateError, match="can't be written"):
        save_routes(tmp_path / "folder" / "routes.json", ROUTES)
    assert os.listdir(tmp_path / "folder") == ["routes.json"]  # noqa: PTH208 - names only
