"""A pod's volumes as folders of its own."""

import base64
import shutil
from pathlib import Path

from deployer.ports import Manifest
from deployer.providers.local.supervisor.environment import FindObject
from deployer.providers.local.supervisor.problems import ContainerError

__all__ = ["find_mounts", "make_volumes"]

_SHARED = frozenset({"/tmp", "/var/tmp", "/dev/shm"})  # noqa: S108 - names, nothing is written
_READ_ONLY = 0o444


def make_volumes(pod: Manifest, folder: Path, find: FindObject) -> None:
    """Make the folder of each volume; ConfigMaps and Secrets are written anew, the rest is kept.

    Raises:
        ContainerError: A volume's ConfigMap or Secret is missing, or it is of a kind that a local
            cluster does not have.
    """
    for volume in pod["spec"].get("volumes") or ():
        place = folder / volume["name"]
        if "emptyDir" in volume:
            place.mkdir(parents=True, exist_ok=True)
        elif "configMap" in volume:
            source = volume["configMap"]
            _write_files(place, _read_files("ConfigMap", source["name"], source, find))
        elif "secret" in volume:
            source = volume["secret"]
            _write_files(place, _read_files("Secret", source["secretName"], source, find))
        else:
            kinds = ", ".join(key for key in volume if key != "name")
            raise ContainerError(
                "CreateContainerConfigError",
                f"volume {volume['name']}: the local cluster does not know {kinds}",
            )


def find_mounts(container: Manifest, folder: Path) -> dict[str, str]:
    """Return mount path → folder for the paths that have to be translated.

    Mounts over folders that the machine itself has (``/tmp``) are left out: a path there may name
    a file of the machine. See `TMPDIR` in the launch for what they get instead.
    """
    mounts = {}
    for mount in container.get("volumeMounts") or ():
        path = mount["mountPath"].rstrip("/")
        if path and path not in _SHARED:
            mounts[path] = str(folder / mount["name"] / mount.get("subPath", "")).rstrip("/")
    return mounts


def _read_files(kind: str, name: str, source: Manifest, find: FindObject) -> dict[str, bytes]:
    found = find(kind, name)
    if found is None:
        if source.get("optional"):
            return {}
        raise ContainerError("CreateContainerConfigError", f"{kind} {name} does not exist")
    files = {key: value.encode() for key, value in _texts(found, kind).items()}
    for key, value in (found.get("binaryData") or {}).items():
        files[key] = base64.b64decode(value)
    if kind == "Secret":
        files |= {k: base64.b64decode(v) for k, v in (found.get("data") or {}).items()}
    return _pick(files, source, f"{kind} {name}")


def _texts(found: Manifest, kind: str) -> dict[str, str]:
    return dict(found.get("data" if kind == "ConfigMap" else "stringData") or {})


def _pick(files: dict[str, bytes], source: Manifest, owner: str) -> dict[str, bytes]:
    items = source.get("items")
    if not items:
        return files
    for item in items:
        if item["key"] not in files:
            raise ContainerError("CreateContainerConfigError", f"{owner} has no key {item['key']}")
    return {item["path"]: files[item["key"]] for item in items}


def _write_files(place: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for path, body in files.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        target.chmod(_READ_ONLY)
