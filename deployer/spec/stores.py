"""Folders as stores: written relative to the spec, used from anywhere."""

from dataclasses import replace
from pathlib import Path

from deployer.spec.environment import Expanded
from deployer.values import Json

__all__ = ["settle_stores"]

_FOLDER = "file://"


def settle_stores(expanded: Expanded, file: Path) -> Expanded:
    """Return the spec's data with every ``file://`` store absolute.

    Pods are given the store's URL, and know nothing of the spec's folder.
    """
    data = expanded.data
    if not isinstance(data, dict):
        return expanded
    settled = dict(data)
    if isinstance(data.get("targets"), list):
        settled["targets"] = [_settle_field(target, "store", file) for target in data["targets"]]
    state = data.get("state")
    if isinstance(state, dict) and isinstance(state.get("stores"), list):
        stores = [_settle(store, file) for store in state["stores"]]
        settled["state"] = {**state, "stores": stores}
    return replace(expanded, data=settled)


def _settle_field(holder: Json, field: str, file: Path) -> Json:
    if not isinstance(holder, dict) or field not in holder:
        return holder
    return {**holder, field: _settle(holder[field], file)}


def _settle(store: Json, file: Path) -> Json:
    if isinstance(store, dict):
        return _settle_field(store, "url", file)
    if not isinstance(store, str) or not store.startswith(_FOLDER) or store == _FOLDER:
        return store
    folder = Path(store.removeprefix(_FOLDER)).expanduser()
    return f"{_FOLDER}{(file.parent / folder).resolve()}"
