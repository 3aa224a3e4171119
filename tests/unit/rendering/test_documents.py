import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import SpecError
from deployer.rendering.documents import read_documents
from deployer.spec import Spec

MakeSpec = Callable[..., Spec]


def names_of(spec: Spec) -> list[str]:
    return [document.data["metadata"]["name"] for document in read_documents(spec)]


def write(file: Path, *names: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        "---\n".join(
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n" for name in names
        )
    )


def test_a_folder_is_read_by_the_names_of_its_files(make_spec: MakeSpec, tmp_path: Path) -> None:
    write(tmp_path / "k8s" / "b.yml", "b1", "b2")
    write(tmp_path / "k8s" / "a.yaml", "a")
    write(tmp_path / "k8s" / "notes.txt", "no")
    (tmp_path / "k8s" / "c.json").write_text(
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}'
    )
    write(tmp_path / "k8s" / "deeper" / "d.yaml", "d")
    assert names_of(make_spec(listed="[./k8s]")) == ["a", "b1", "b2", "c"]


def test_an_empty_folder_is_a_mistake(make_spec: MakeSpec, tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    with pytest.raises(SpecError, match="no YAML or JSON in it"):
        names_of(make_spec(listed="[k8s]"))


def test_a_kustomization_has_to_be_built_first(make_spec: MakeSpec, tmp_path: Path) -> None:
    write(tmp_path / "k8s" / "kustomization.yaml", "a")
    with pytest.raises(SpecError, match="is a kustomization") as caught:
        names_of(make_spec(listed="[k8s]"))
    assert "kustomize build" in str(caught.value.hint)


def test_a_list_is_taken_apart(make_spec: MakeSpec) -> None:
    items = "items: [{metadata: {name: a}}, {metadata: {name: b}}]\n"
    assert names_of(make_spec(one=f"apiVersion: v1\nkind: List\n{items}")) == ["a", "b"]


@pytest.fixture
def read_piped(make_spec: MakeSpec) -> Callable[[bytes], str]:
    """What a program of its own prints that reads patches from its standard input, twice."""

    def read_piped(body: bytes) -> str:
        spec = make_spec(listed="['-']")
        program = (
            "import sys; from pathlib import Path; from deployer.spec import load_spec; "
            "from deployer.rendering.documents import read_documents; "
            "spec = load_spec(Path(sys.argv[1])); "
            "print([d.data['metadata']['name'] for _ in 'ab' for d in read_documents(spec)])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(spec.file)],
            input=body,
            capture_output=True,
            check=False,
        )
        return (done.stdout or done.stderr).decode()

    return read_piped


def test_what_kustomize_builds_can_be_piped_in(read_piped: Callable[[bytes], str]) -> None:
    assert (
        read_piped(b"metadata: {name: a}\n---\nmetadata: {name: b}\n") == "['a', 'b', 'a', 'b']\n"
    )


def test_standard_input_is_bounded_too(read_piped: Callable[[bytes], str]) -> None:
    assert "standard input is larger than 1 MiB" in read_piped(b"a: b\n" * (1 << 19))
