import json
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import SetupError
from deployer.providers.kube.plugin import Plugin, run_plugin

V1 = "client.authentication.k8s.io/v1"
CLUSTER = {
    "server": "https://127.0.0.1:1",
    "certificate-authority-data": "Q0E=",
    "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}],
}


def plugin(folder: Path, program: str, **config: Any) -> Plugin:
    (folder / "login.py").write_text(program)
    config = {
        "apiVersion": V1,
        "command": sys.executable,
        "args": [str(folder / "login.py")],
        **config,
    }
    return Plugin(config, CLUSTER, folder)


def answering(status: Any, version: str = V1) -> str:
    document = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(document)!r})"


def test_a_plugin_is_asked_in_its_own_version_with_its_own_environment(tmp_path: Path) -> None:
    program = """
import json, os, sys
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
spec = asked["spec"]
cluster = spec["cluster"]
token = "/".join([os.environ["WHO"], cluster["server"], cluster["config"]["audience"]])
assert not spec["interactive"] and sys.stdin.read() == ""
status = {"token": token, "expirationTimestamp": "2026-11-23T12:00:00Z"}
print(json.dumps({**asked, "status": status}))
"""
    env = [{"name": "WHO", "value": "ada"}]
    version = "client.authentication.k8s.io/v1beta1"
    token = run_plugin(
        plugin(tmp_path, program, env=env, provideClusterInfo=True, apiVersion=version)
    )
    assert token.value == "ada/https://127.0.0.1:1/x"
    assert token.expires is not None
    assert token.expires.isoformat() == "2026-11-23T12:00:00+00:00"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import sys; sys.exit('please\\nlog in')", "ended with 1: please log in"),
        ("print('hello')", "did not answer with an ExecCredential"),
        ("print('[]')", "did not answer with an ExecCredential"),
        (answering({"token": "t"}, "v0"), "answered in version v0"),
        (answering({}), "without a token"),
        (answering(None), "without a token"),
    ],
)
def test_a_plugin_that_fails_is_a_matter_of_set_up(
    program: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match=words):
        run_plugin(plugin(tmp_path, program))


def test_a_plugin_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    missing = plugin(tmp_path, "", command="no-such-plugin", installHint="brew install it")
    with pytest.raises(SetupError, match="no-such-plugin cannot be run") as raised:
        run_plugin(missing)
    assert raised.value.hint == "brew install it"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "of version"),
        ({"command": ""}, "plug-in \\(none\\)"),
        ({"interactiveMode": "Always"}, "insists on a terminal"),
    ],
)
def test_a_plugin_of_a_kind_that_cannot_work_is_not_run(
    config: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match=words):
        run_plugin(plugin(tmp_path, "", **config))


def test_a_relative_command_is_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    script = tmp_path / "login"
    script.write_text(f"#!{sys.executable}\n" + answering({"token": "t"}))
    script.chmod(0o755)
    config = {"apiVersion": V1, "command": "./login"}
    assert run_plugin(Plugin(config, CLUSTER, tmp_path)).value == "t"
