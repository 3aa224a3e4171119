import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app

BACKEND = ("--backend", "a=http://127.0.0.1:9000")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["router", "config", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_configuration_goes_to_stdout_and_what_differs_to_stderr() -> None:
    code, text, notes = run("--engine", "haproxy", *BACKEND)
    assert code == 0
    assert "server 127.0.0.1:9000 127.0.0.1:9000 weight 256" in text
    assert "haproxy: ejections that grow" in notes


def test_envoys_is_json() -> None:
    code, text, _ = run("--engine", "envoy", "--listen", "0.0.0.0:80", *BACKEND)
    assert code == 0
    (listener,) = json.loads(text)["static_resources"]["listeners"]
    assert listener["address"]["socket_address"] == {"address": "0.0.0.0", "port_value": 80}  # noqa: S104 - printed, not bound


def test_the_embedded_engine_has_none() -> None:
    code, _, notes = run("--engine", "embedded", *BACKEND)
    assert code == 4
    assert "is not one of 'haproxy', 'envoy', 'nginx'" in notes


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9000/path", "a path in a backend's URL"),
        ("http://no-such-host.invalid", "can't be resolved"),
    ],
)
def test_what_it_can_not_do_is_refused(url: str, why: str) -> None:
    code, text, notes = run("--engine", "envoy", "--backend", f"a={url}")
    assert (code, text) == (1, "")
    assert why in notes


def test_it_reads_a_file_of_routes_too(tmp_path: Path) -> None:
    code, _, notes = run("--engine", "haproxy", "--routes", str(tmp_path / "routes.json"))
    assert code != 0
    assert "can't be read" in notes
