from pathlib import Path

import pytest

import deployer
from deployer.errors import SetupError, SpecError
from deployer.spec.library import (
    find_runtime,
    list_runtimes,
    load_overlay,
    load_runtime,
    manifests_folder,
    overlay_name,
)
from deployer.values import Cloud


def test_the_library_is_found() -> None:
    assert (manifests_folder() / "base" / "deployment.yaml").is_file()
    assert "mlserver-sklearn" in list_runtimes()


def test_an_installed_package_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "deployer"
    (package / "manifests" / "base").mkdir(parents=True)
    monkeypatch.setattr(deployer, "__file__", str(package / "__init__.py"))
    assert manifests_folder() == package / "manifests"


def test_a_broken_installation_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployer, "__file__", str(tmp_path / "deployer" / "__init__.py"))
    with pytest.raises(SetupError, match="manifests"):
        manifests_folder()


@pytest.mark.parametrize("name", list_runtimes())
def test_every_runtime_says_what_it_serves(name: str) -> None:
    runtime = load_runtime(find_runtime(name, Path()))
    assert runtime.formats
    assert runtime.protocol == "openai" or "{model}" in runtime.infer


def test_an_unknown_runtime_is_a_fault_of_the_spec() -> None:
    with pytest.raises(SpecError, match="cannot read"):
        load_runtime(find_runtime("nothing", Path()))


def test_a_runtime_with_a_slash_is_a_folder_beside_the_spec(tmp_path: Path) -> None:
    assert find_runtime("./mine", tmp_path) == tmp_path / "mine"
    assert find_runtime("mine", tmp_path) == manifests_folder() / "runtimes" / "mine"


def test_what_is_wrong_in_a_runtimes_own_file_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "runtime.yaml").write_text("protocol: grpc\nport: 8080\nreaddy: /\n")
    with pytest.raises(SpecError, match="is not understood") as caught:
        load_runtime(tmp_path)
    found = {(fault.line, fault.path) for fault in caught.value.faults}
    assert {(1, "protocol"), (3, "readdy")} <= found
    assert "formats" in {path for _, path in found}


@pytest.mark.parametrize("kind", list(Cloud))
def test_every_kind_of_cluster_has_an_overlay_and_a_way_in(kind: Cloud) -> None:
    assert load_overlay(overlay_name(kind, local=False)).expose
    assert overlay_name(kind, local=True) == "local"
