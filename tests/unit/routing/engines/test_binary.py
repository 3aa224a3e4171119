from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import SetupError
from deployer.routing.engines.binary import ENVOY, HAPROXY, find_binary


def make_program(folder: Path, name: str, start: bytes = b"\x7fELF") -> Path:
    path = folder / name
    path.write_bytes(start)
    path.chmod(0o755)
    return path


def test_the_one_that_is_given_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = make_program(tmp_path, "haproxy")
    monkeypatch.setenv("PATH", str(tmp_path))
    given = make_program(tmp_path, "mine")
    assert find_binary(HAPROXY, given) == given
    assert find_binary(HAPROXY) == on_path


def test_one_that_can_not_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no program"):
        find_binary(HAPROXY, tmp_path / "missing")


def test_a_script_on_the_path_is_passed_over_for_the_program_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program(tmp_path, "envoy", b"#!/bin/sh")
    (tmp_path / "lib" / "carrier" / "bin").mkdir(parents=True)
    (tmp_path / "lib" / "carrier" / "__init__.py").touch()
    carried = make_program(tmp_path / "lib" / "carrier" / "bin", "envoy")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path / "lib")
    program = replace(ENVOY, package="carrier", inside="bin/envoy")
    assert find_binary(program) == carried


def test_none_at_all_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"^needs HAProxy") as caught:
        find_binary(replace(HAPROXY, package="no_such_package"))
    assert "deployer[haproxy]" in (caught.value.hint or "")
