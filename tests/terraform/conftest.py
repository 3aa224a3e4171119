"""A copy of terraform/ to work in, and Terraform with providers that need no account."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployer.execution import Session
from deployer.ports import Provider
from deployer.providers.book import load_book
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.memory import MemoryStore
from deployer.providers.local.memory_cluster import MemoryCluster
from deployer.release.state import StateStore
from deployer.spec import Spec
from deployer.wiring import open_probe
from tests.terraform.toolchain import PROVIDERS, cache_folder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOOLCHAIN = HERE / "toolchain.py"
DERIVED = {name: version for name, (version, *_) in PROVIDERS.items()}
HOSTS = ("registry.terraform.io/hashicorp", "registry.opentofu.org/hashicorp")
"""Terraform's registry and OpenTofu's: the same providers under the same names."""
PATIENCE_SECONDS = 900
VARIABLES: Mapping[str, Any] = {
    "project": "acme-prod",
    "subscription": "00000000-0000-0000-0000-000000000001",
    "authorized_cidrs": ["203.0.113.0/24"],
    "regions": {"aws": "us-east-1", "gcp": "us-central1", "azure": "eastus"},
    "clusters": {
        "aws": "prod",
        "gcp": "prod",
        "azure": {"name": "prod", "resource_group": "ops"},
    },
}
"""What the environments ask for; each is given those that it declares."""


@dataclass(frozen=True)
class Done:
    """How a command ended; ``said`` is both of its streams without line breaks and frames."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        text = (self.out + self.err).translate({ord(sign): " " for sign in "│╷╵"})
        return " ".join(text.split())


@dataclass
class Workshop:
    """One copy of terraform/, one set of providers, one binary; plans are made once."""

    binary: str
    folder: Path
    environment: dict[str, str]
    ready: set[str] = field(default_factory=set)
    plans: dict[str, Any] = field(default_factory=dict)

    def run(self, where: str, *words: str, expect: int | None = 0) -> Done:
        """Run a command in ``modules/aws`` or ``envs/dev``, initialised before."""
        self._init(where)
        done = self._call(where, *words)
        assert expect in {None, done.code}, f"{where}: {' '.join(words)}: {done.code}\n{done.said}"
        return done

    def plan(self, where: str) -> Any:
        """Return the plan of an environment as JSON; a plan of modules/ has to be in one."""
        if where not in self.plans:
            self.save_plan(where)
            shown = self.run(where, "show", "-json", "saved.plan")
            self.plans[where] = json.loads(shown.out)
        return self.plans[where]

    def save_plan(self, where: str) -> None:
        self.set_variables(where, VARIABLES)
        self.run(where, "plan", "-input=false", "-no-color", "-out=saved.plan")

    def set_variables(self, where: str, values: Mapping[str, Any]) -> None:
        """Write the values of the variables that are declared there."""
        sources = (path.read_text() for path in (self.folder / where).glob("*.tf"))
        text = "\n".join(sources)
        declared = {key: v for key, v in values.items() if f'variable "{key}"' in text}
        (self.folder / where / "test.auto.tfvars.json").write_text(json.dumps(declared))

    def _init(self, where: str) -> None:
        if where not in self.ready:
            done = self._call(where, "init", "-input=false", "-no-color", "-backend=false")
            assert done.code == 0, done.said
            self.ready.add(where)

    def _call(self, where: str, *words: str) -> Done:
        done = subprocess.run(
            [self.binary, f"-chdir={self.folder / where}", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def find_binary() -> str | None:
    """Return the Terraform to use: $TERRAFORM, else terraform, else tofu, also from the cache."""
    wanted = [os.environ["TERRAFORM"]] if os.environ.get("TERRAFORM") else ["terraform", "tofu"]
    places = (
        shutil.which(name) or shutil.which(name, path=cache_folder() / "bin") for name in wanted
    )
    return next((place for place in places if place), None)


def find_real(provider: str) -> Path | None:
    """Return a folder with versions of the real provider, if this machine has one."""
    implied = [
        Path.home() / ".terraform.d/plugins",
        Path.home() / ".local/share/terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *Path("/opt").glob("*plugins*"),
    ]
    cached = os.environ.get("TF_PLUGIN_CACHE_DIR")
    for base in [*([Path(cached)] if cached else []), *implied]:
        if any((base / HOSTS[0] / provider).glob("*/linux_amd64/terraform-provider-*")):
            return base / HOSTS[0] / provider
    return None


@pytest.fixture(scope="session")
def binary() -> str:
    found = find_binary()
    if found is None:
        pytest.skip(
            "needs terraform or OpenTofu: install one, or python tests/terraform/toolchain.py tofu"
        )
    return found


@pytest.fixture(scope="session")
def schemas() -> Path:
    """Return the folder with derived schemas, fetched once per machine."""
    folder = cache_folder() / "schemas"
    if not all((folder / f"{name}-{version}.json").exists() for name, version in DERIVED.items()):
        command = [sys.executable, str(TOOLCHAIN), "schemas"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
        if done.returncode:
            pytest.skip(f"needs the providers' schemas from npm: {done.stderr.strip()[-300:]}")
    return folder


@pytest.fixture(scope="session")
def open_workshop(
    binary: str, schemas: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Mapping[str, Path]], Workshop]:
    """Return a maker of workshops; the providers not given are derived ones."""

    def make(real: Mapping[str, Path]) -> Workshop:
        base = tmp_path_factory.mktemp("terraform")
        for name, version in DERIVED.items():
            for host in HOSTS:
                _install(base / "mirror" / host / name, name, version, real.get(name))
        config = base / "terraform.rc"
        mirror = f'filesystem_mirror {{ path = "{base / "mirror"}" }}'
        config.write_text(f"provider_installation {{\n  {mirror}\n}}\n")
        kept_out = shutil.ignore_patterns(".terraform*", "*.tfstate*", "__pycache__")
        shutil.copytree(ROOT / "terraform", base / "terraform", ignore=kept_out)
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("TF_", "AWS_", "GOOGLE_", "ARM_", "COV_", "PYTHON"))
        } | {
            "TF_CLI_CONFIG_FILE": str(config),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "DERIVED_SCHEMAS": str(schemas),
            "DERIVED_ANSWERS": str(HERE / "answers.json"),
        }
        return Workshop(binary, base / "terraform", environment)

    return make


def _install(folder: Path, name: str, version: str, real: Path | None) -> None:
    if real is not None:
        for package in real.glob("*/linux_amd64"):
            (folder / package.parent.name).mkdir(parents=True)
            (folder / package.parent.name / package.name).symlink_to(package)
        return
    program = folder / version / "linux_amd64" / f"terraform-provider-{name}_v{version}"
    program.parent.mkdir(parents=True)
    script = shlex.join([sys.executable, str(HERE / "provider.py"), name, version])
    program.write_text(f"#!/bin/sh\nexec {script}\n")
    program.chmod(0o755)


@pytest.fixture(scope="session")
def workshop(open_workshop: Callable[[Mapping[str, Path]], Workshop]) -> Workshop:
    """All providers derived: the newest versions that the modules take."""
    return open_workshop({})


@pytest.fixture(scope="session")
def real_workshop(open_workshop: Callable[[Mapping[str, Path]], Workshop]) -> Workshop:
    """The real providers that this machine has; skipped when it has none."""
    found = {name: place for name in DERIVED if (place := find_real(name))}
    if not found:
        pytest.skip("no real provider on this machine; TF_PLUGIN_CACHE_DIR may name a folder")
    return open_workshop(found)


@pytest.fixture(scope="session")
def walk_resources() -> Callable[[Any], Iterator[dict[str, Any]]]:
    """Return what yields every managed resource of a plan or a state in JSON."""

    def walk(document: Any) -> Iterator[dict[str, Any]]:
        values = document.get("planned_values") or document["values"]
        folders = [values["root_module"]]
        for module in folders:
            folders.extend(module.get("child_modules", ()))
            yield from (item for item in module.get("resources", ()) if item["mode"] == "managed")

    return walk


@pytest.fixture(scope="session")
def memory_session() -> Callable[[Spec], Session]:
    """Return a maker of sessions whose stores and clusters are in memory, and empty."""

    def make(spec: Spec) -> Session:
        clock = ManualClock()
        stores = {target.name: MemoryStore(clock) for target in spec.targets}
        providers = {
            target.name: Provider(
                cloud=target.provider,
                store=stores[target.name],
                cluster=MemoryCluster(clock=clock, namespace=target.namespace),
                prices=load_book(),
            )
            for target in spec.targets
        }
        state = StateStore(spec.name, list(stores.values()), clock)
        return Session(
            spec=spec,
            providers=providers,
            state=state,
            probe=open_probe(),
            clock=clock,
            tool="test",
        )

    return make
