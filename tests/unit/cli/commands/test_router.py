import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["router", "serve", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    "listen", ["8080", "localhost", ":80", "localhost:http", "localhost:99999"]
)
def test_an_address_that_is_none_is_bad_input(listen: str) -> None:
    code, said = run("--listen", listen, "--backend", "a=http://127.0.0.1:1")
    assert code == 4
    assert "is no address to listen on" in said


def test_a_backend_that_is_none_is_bad_input() -> None:
    code, said = run("--backend", "127.0.0.1:9000")
    assert code == 4
    assert "NAME=URL" in said


def test_there_is_only_one_place_to_read_from() -> None:
    code, said = run("--backend", "a=http://127.0.0.1:1", "--routes", "routes.json")
    assert code == 4
    assert "only one of" in said


def test_an_address_that_is_taken_is_a_matter_of_setup() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = run("--listen", listen, "--backend", "a=http://127.0.0.1:1")
    assert code == 5
    assert "can't be listened on" in said


def test_a_policy_is_for_backends_of_the_command_line() -> None:
    code, said = run("--routes", "routes.json", "--policy", "latency")
    assert code == 4
    assert "--policy and --routing are for --backend" in said


def test_a_policy_that_needs_prices_needs_a_spec() -> None:
    code, said = run("--backend", "a=http://127.0.0.1:1", "--policy", "cost")
    assert code == 4
    assert "is not one of 'weighted', 'latency', 'priority', 'region'" in said


@pytest.mark.parametrize("words", [["--access-log"], ["--traces", "http://127.0.0.1:1"]])
def test_what_only_the_embedded_engine_writes_is_refused_of_another(words: list[str]) -> None:
    code, said = run("--engine", "haproxy", *words, "--backend", "a=http://127.0.0.1:1")
    assert code == 4
    assert f"{words[0]} is the embedded engine's" in said


def test_a_program_that_is_none_is_a_matter_of_setup(tmp_path: Path) -> None:
    options = ["--engine-binary", str(tmp_path / "none"), "--run-dir", str(tmp_path / "run")]
    code, said = run("--engine", "envoy", *options, "--backend", "a=http://127.0.0.1:1")
    assert code == 5
    assert "is no program that can be run" in said


@pytest.mark.parametrize(
    ("block", "said_in_it"),
    [
        ("routing: {polcy: region}", "unknown key 'polcy' (did you mean policy?)"),
        ("routing: {match: [{header: X, value: y, targets: [b]}]}", "no target is called 'b'"),
        ("routing: {policy: cost}", "the policy cost needs a spec"),
        ("routing: {weights: {a: 1}}", "weights: with --backend these stand behind the URLs"),
        ("routing: {guard: {tokens: {jwks: none.json}}}", "none.json: No such file"),
    ],
)
def test_a_routing_block_is_checked_like_a_spec(
    tmp_path: Path, block: str, said_in_it: str
) -> None:
    file = tmp_path / "routing.yaml"
    file.write_text(block + "\n")
    code, said = run("--backend", "a=http://127.0.0.1:1", "--routing", str(file))
    assert code == 4
    assert said_in_it in " ".join(said.split())


def test_several_deployments_are_the_embedded_engines() -> None:
    code, said = run("--engine", "envoy", "--routes", "a.json", "--routes", "b.json")
    assert code == 4
    assert "several deployments are the embedded engine's" in said
