import base64
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deployer.cli.contexts import ContextEntry, default_kubeconfig, merge_contexts
from deployer.errors import SourceError

ENTRY = ContextEntry(
    name="deployer-aws",
    server="https://1.example",
    authority="PEM",
    namespace="models",
    command=["deployer", "token", "--eks", "prod"],
    environment={"AWS_PROFILE": "ml"},
)
MINE = """\
# mine, do not touch
apiVersion: v1
kind: Config
current-context: work   # the one I use
clusters: [{name: work, cluster: {server: "https://work.example"}}]
users: [{name: work, user: {token: secret}}]
contexts: [{name: work, context: {cluster: work, user: work}}]
"""


def test_a_new_file_is_for_its_owner_alone_and_holds_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    merge_contexts(path, [ENTRY])
    assert path.stat().st_mode & 0o777 == 0o600
    written = YAML(typ="safe").load(path)
    assert written["current-context"] == "deployer-aws"
    (cluster,) = written["clusters"]
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"PEM"
    (user,) = written["users"]
    assert list(user["user"]) == ["exec"]
    assert user["user"]["exec"]["args"] == ["token", "--eks", "prod"]
    assert user["user"]["exec"]["env"] == [{"name": "AWS_PROFILE", "value": "ml"}]
    assert written["contexts"][0]["context"]["namespace"] == "models"


def test_what_else_is_in_the_file_stays_comments_too(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(MINE)
    merge_contexts(path, [ENTRY])
    merge_contexts(path, [ENTRY])
    text = path.read_text()
    assert "# mine, do not touch" in text
    assert "# the one I use" in text
    written = YAML(typ="safe").load(text)
    assert written["current-context"] == "work"
    assert [each["name"] for each in written["contexts"]] == ["work", "deployer-aws"]
    assert written["users"][0]["user"] == {"token": "secret"}


@pytest.mark.parametrize("text", ["[]", "a: [", "clusters: {a: b}", "words"])
def test_a_file_that_is_no_kubeconfig_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"kubeconfig|cannot read"):
        merge_contexts(path, [ENTRY])
    assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot"):
        merge_contexts(tmp_path / "file" / "config", [ENTRY])


def test_the_file_is_the_one_that_kubectl_writes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/a/one:/a/two")
    assert default_kubeconfig() == Path("/a/one")
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_kubeconfig() == Path("/home/ada/.kube/config")
