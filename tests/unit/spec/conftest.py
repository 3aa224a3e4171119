from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import SpecError
from deployer.spec import Spec, load_spec

SMALL = """\
name: iris
model: {path: ./model}
targets:
  - name: here
    provider: local
    store: file:///srv/models
    cluster: {local: ./cluster}
"""

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(text: str, **environment: str) -> Spec:
        file = tmp_path / "deployer.yaml"
        file.write_text(text)
        return load_spec(file, environment=environment)

    return load


@pytest.fixture
def faults(load: Load) -> Faults:
    """What a spec is refused for, one line each: ``line:column path: message``."""

    def faults(text: str, **environment: str) -> list[str]:
        with pytest.raises(SpecError) as caught:
            load(text, **environment)
        return [
            f"{fault.line}:{fault.column} {fault.path}: {fault.message}"
            for fault in caught.value.faults
        ]

    return faults
