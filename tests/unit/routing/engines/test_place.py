import socket
from pathlib import Path

import pytest

from deployer.errors import SetupError
from deployer.routing.engines.place import (
    Place,
    default_folder,
    engine_environment,
    free_port,
    prepare_folder,
    replace_file,
)


def test_the_same_words_find_the_same_folder() -> None:
    assert default_folder("envoy", "h", 1) == default_folder("envoy", "h", 1)
    assert default_folder("envoy", "h", 1) != default_folder("haproxy", "h", 1)


def test_a_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    prepare_folder(folder)
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_could_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(SetupError, match="steer the router"):
        prepare_folder(tmp_path)


def test_a_folder_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="too long for sockets"):
        prepare_folder(tmp_path / ("x" * 100))


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="can't be made"):
        prepare_folder(tmp_path / "file" / "folder")


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", "one")
    replace_file(tmp_path / "a", "two")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a", "two")]
    with pytest.raises(SetupError, match="can't be written"):
        replace_file(tmp_path / "nowhere" / "a", "three")


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port("127.0.0.1"))):
        pass
    with pytest.raises(SetupError, match="can't be listened on"):
        free_port("192.0.2.1")


def test_a_printed_configuration_has_no_control(tmp_path: Path) -> None:
    assert Place("h", 1).control is None
    assert Place("::1", 1, tmp_path).url == "http://[::1]:1"


def test_an_engine_inherits_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    assert set(engine_environment()) == {"PATH"}
