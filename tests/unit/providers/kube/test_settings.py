import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import AccessDeniedError, SetupError
from deployer.providers.connection import Connection, Token
from deployer.providers.kube.connect import connect_cluster, connect_found
from deployer.providers.kube.settings import read_kubeconfig
from deployer.providers.local.clock import SystemClock

CLOCK = SystemClock()
VERSION = {"gitVersion": "v1.36.3"}


def write_kubeconfig(path: Path, cluster: dict[str, Any], user: dict[str, Any]) -> str:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "there",
    }
    path.write_text(json.dumps(config))
    return str(path)


def exec_user(folder: Path) -> dict[str, Any]:
    """A plug-in that gives a new token each time: t1, t2, …"""
    (folder / "login.py").write_text(
        f"""
import json, pathlib
count = pathlib.Path({str(folder / "count")!r})
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
    "status": {{"token": f"t{{number}}"}}}}))
"""
    )
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(folder / "login.py")],
        }
    }


@pytest.fixture
def cluster(tls_server: Any) -> dict[str, Any]:
    """What a kubeconfig says of the server."""
    authority = base64.b64encode(tls_server.authority.encode()).decode()
    return {"server": tls_server.url, "certificate-authority-data": authority}


def test_an_exec_plugin_logs_in_and_is_asked_again_when_its_token_is_refused(
    tls_server: Any, cluster: dict[str, Any], say: Any, tmp_path: Path
) -> None:
    path = write_kubeconfig(tmp_path / "config", cluster, exec_user(tmp_path))
    valid = {"t1"}
    tls_server.answer = lambda asked: say(VERSION) if asked.token in valid else say({}, 401)
    kube = connect_cluster(namespace="models", clock=CLOCK, kubeconfig=path)
    assert kube.describe().version == "v1.36.3"
    valid.clear()
    valid.add("t2")
    assert kube.describe().version == "v1.36.3"
    assert [asked.token for asked in tls_server.asked] == ["t1", "t1", "t2"]


def test_who_is_refused_twice_is_refused_and_told_to_log_in(
    tls_server: Any, cluster: dict[str, Any], say: Any, tmp_path: Path
) -> None:
    path = write_kubeconfig(tmp_path / "config", cluster, {"token": "old"})
    tls_server.answer = lambda _asked: say({"kind": "Status", "message": "Unauthorized"}, 401)
    kube = connect_cluster(namespace="models", clock=CLOCK, kubeconfig=path)
    with pytest.raises(AccessDeniedError, match="Unauthorized") as refused:
        kube.describe()
    assert "Log in again" in str(refused.value.hint)
    assert len(tls_server.asked) == 2


def test_a_token_that_a_cloud_gave_is_renewed_when_the_cluster_refuses_it(
    tls_server: Any, say: Any
) -> None:
    numbers = iter(range(1, 10))

    def find() -> Connection:
        return Connection(tls_server.url, tls_server.authority, lambda: Token(f"t{next(numbers)}"))

    tls_server.answer = lambda asked: say(VERSION) if asked.token == "t2" else say({}, 401)
    kube = connect_found(find, name="prod", namespace="models", clock=CLOCK)
    assert kube.describe().name == "prod"


def test_a_server_with_another_certificate_is_not_believed(
    tls_server: Any, tmp_path: Path, say: Any
) -> None:
    tls_server.answer = lambda _asked: say(VERSION)
    path = write_kubeconfig(tmp_path / "config", {"server": tls_server.url}, {"token": "t"})
    kube = connect_cluster(namespace="models", clock=CLOCK, kubeconfig=path)
    with pytest.raises(SetupError, match="certificate is not trusted"):
        kube.describe()
    assert tls_server.asked == []


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        (
            {"server": "https://k8s.example", "insecure-skip-tls-verify": True},
            "does not verify the server",
        ),
        ({"server": "http://k8s.example"}, "speaks without TLS"),
    ],
)
def test_a_server_that_would_not_be_verified_is_refused_unless_the_spec_allows_it(
    cluster: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = write_kubeconfig(tmp_path / "config", cluster, {"token": "t"})
    with pytest.raises(SetupError, match=words) as refused:
        read_kubeconfig(path, None, CLOCK, insecure=False)
    assert "insecure: true" in str(refused.value.hint)
    assert read_kubeconfig(path, None, CLOCK, insecure=True).host == cluster["server"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_on_loopback_nobody_is_in_between(host: str, tmp_path: Path) -> None:
    cluster = {"server": f"https://{host}:6443", "insecure-skip-tls-verify": True}
    path = write_kubeconfig(tmp_path / "config", cluster, {"token": "t"})
    assert not read_kubeconfig(path, None, CLOCK, insecure=False).verify_ssl


def test_a_login_of_the_past_is_refused_by_name(tmp_path: Path) -> None:
    user = {"auth-provider": {"name": "azure", "config": {}}}
    path = write_kubeconfig(tmp_path / "config", {"server": "https://k8s.example"}, user)
    with pytest.raises(SetupError, match="auth-provider 'azure'"):
        read_kubeconfig(path, None, CLOCK, insecure=False)


def test_the_environments_proxy_is_used_but_not_for_whom_it_excepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    path = write_kubeconfig(tmp_path / "config", {"server": "https://k8s.example"}, {})
    settings = read_kubeconfig(path, None, CLOCK, insecure=False)
    assert settings.proxy == "http://proxy.example:3128"
    assert settings.no_proxy == "internal.example"
    own = {"server": "https://k8s.example", "proxy-url": "http://own.example:1"}
    path = write_kubeconfig(tmp_path / "config", own, {})
    assert read_kubeconfig(path, None, CLOCK, insecure=False).proxy == "http://own.example:1"


def test_several_kubeconfigs_are_merged_as_kubectl_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_kubeconfig(tmp_path / "a", {"server": "https://a.example"}, {})
    second = tmp_path / "b"
    second.write_text(
        Path(first).read_text().replace("a.example", "b.example").replace('"c"', '"d"')
        .replace('"there"', '"elsewhere"')
    )  # fmt: skip
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}")
    assert read_kubeconfig(None, None, CLOCK, insecure=False).host == "https://a.example"
    assert read_kubeconfig(None, "elsewhere", CLOCK, insecure=False).host == "https://b.example"


@pytest.mark.parametrize("text", ["", "[]", "just words", "a: [", "clusters: 7"])
def test_a_file_that_is_no_kubeconfig_is_a_matter_of_set_up(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text)
    kube = connect_cluster(namespace="models", clock=CLOCK, kubeconfig=str(tmp_path / "config"))
    with pytest.raises(SetupError, match="no way to reach the cluster"):
        kube.describe()
