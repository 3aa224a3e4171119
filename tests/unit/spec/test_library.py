from pathlib import Path

import pytest

import deployer
from deployer.errors import SetupError, SpecError
from deployer.spec.library import list_runtimes, load_runtime, manifests_folder


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
    runtime = load_runtime(name)
    assert runtime.formats
    assert "{model}" in runtime.infer.split("/")


def test_an_unknown_runtime_is_a_fault_of_the_spec() -> None:
    with pytest.raises(SpecError):
        load_runtime("nothing")
