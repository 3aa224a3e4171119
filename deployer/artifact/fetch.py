"""Fetching a model that lies in a bucket as plain objects, not as an artifact of ours."""

from pathlib import Path

from deployer.artifact.keys import check_paths
from deployer.artifact.workers import map_files
from deployer.errors import IntegrityError, SourceError
from deployer.ports import ObjectInfo, ObjectStore

__all__ = ["fetch_objects"]


def fetch_objects(store: ObjectStore, dest: Path) -> None:
    """Write every object of the store under the folder ``dest``, under its own key.

    Each is read in the version that was listed. Objects of no bytes whose keys end in a slash, as
    consoles make them for folders, are left out.

    Raises:
        SourceError: There is nothing, or a key that no file can have.
        IntegrityError: An object had another size than the listing said.
    """
    infos = [info for info in store.list() if info.size or not info.key.endswith("/")]
    if not infos:
        raise SourceError(f"there is nothing at {store.url}", hint="Check bucket and prefix.")
    check_paths(info.key for info in infos)
    map_files(lambda info: _fetch(store, info, dest / info.key), infos)


def _fetch(store: ObjectStore, info: ObjectInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with path.open("xb") as file:
        for chunk in store.stream(info.key, if_version=info.version):
            size += file.write(chunk)
    if size != info.size:
        raise IntegrityError(f"{store.url}/{info.key} has {size} bytes, not {info.size} as listed")
