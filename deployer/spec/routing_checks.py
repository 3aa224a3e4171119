"""What goes together in ``routing``; like all checks, read off the data as the user wrote it."""

from collections.abc import Iterator, Sequence

from deployer.spec.faults import suggest
from deployer.spec.tree import Finding, TreePath, dig
from deployer.values import Json

__all__ = ["check_routing"]


def check_routing(data: Json, names: Sequence[str]) -> Iterator[Finding]:
    """Yield what refers to no target, and what one setting needs or makes pointless in another.

    Args:
        names: The targets'.
    """
    routing = dig(data, "routing")
    if not isinstance(routing, dict):
        return
    yield from _check_weights(routing, names)
    yield from _check_tiers(routing, names)
    yield from _check_shadow(routing, names)
    yield from _check_match(routing, names)
    if routing.get("region") and routing.get("policy") != "region":
        yield Finding(("routing", "region"), "region is for policy: region", on_key=True)
    if routing.get("strip") and routing.get("path", "/") == "/":
        yield Finding(("routing", "strip"), "without a path there is nothing to strip", on_key=True)
    if isinstance(routing.get("check"), dict) and not routing["check"].keys() - {"first_bytes"}:
        message = "give status, pointer, pattern or absent: so every answer is right"
        yield Finding(("routing", "check"), message, on_key=True)
    if routing.get("policy") == "region" and not _has_region(data):
        message = "policy: region needs targets with a region"
        yield Finding(("routing", "policy"), message)
    yield from _check_guard(routing)


def _has_region(data: Json) -> bool:
    """Tell whether any target has one; backends of the command line say theirs elsewhere."""
    targets = dig(data, "targets")
    if not isinstance(targets, list):
        return True
    return any(isinstance(target, dict) and target.get("region") for target in targets)


def _unknown(name: str, names: Sequence[str], path: TreePath) -> Finding:
    return Finding(path, f"no target is called {name!r}{suggest(name, names)}", on_key=True)


def _map(routing: Json, key: str) -> dict[str, Json]:
    value = routing.get(key)
    return value if isinstance(value, dict) else {}


def _list(routing: Json, key: str) -> list[Json]:
    value = routing.get(key)
    return value if isinstance(value, list) else []


def _check_weights(routing: Json, names: Sequence[str]) -> Iterator[Finding]:
    weights = _map(routing, "weights")
    for name in weights:
        if name not in names:
            yield _unknown(name, names, ("routing", "weights", name))
    if weights and all(weight == 0 for weight in weights.values()):
        yield Finding(("routing", "weights"), "all weights are 0: no target gets traffic", True)


def _check_tiers(routing: Json, names: Sequence[str]) -> Iterator[Finding]:
    tiers, wanted, here = _list(routing, "tiers"), routing.get("policy") == "priority", "tiers"
    if wanted and not tiers:
        message = "policy: priority needs tiers: a list of lists of targets, the first used first"
        yield Finding(("routing", "policy"), message)
    if tiers and not wanted:
        yield Finding(("routing", here), "tiers are for policy: priority", on_key=True)
    lists = [tier for tier in tiers if isinstance(tier, list)]
    placed = [name for tier in lists for name in tier if isinstance(name, str) and name]
    for name in sorted(set(placed) - set(names)):
        yield _unknown(name, names, ("routing", here))
    for name in sorted({name for name in placed if placed.count(name) > 1}):
        yield Finding(("routing", here), f"{name!r} is in more than one tier", on_key=True)
    for name in [name for name in names if tiers and name not in placed]:
        yield Finding(("routing", here), f"{name!r} is in no tier", on_key=True)


def _check_shadow(routing: Json, names: Sequence[str]) -> Iterator[Finding]:
    for name in _map(routing, "shadow"):
        path = ("routing", "shadow", name)
        if name not in names:
            yield _unknown(name, names, path)
        elif _map(routing, "weights").get(name) != 0:
            message = f"{name!r} would answer requests, too: give it the weight 0"
            yield Finding(path, message, on_key=True)


def _check_match(routing: Json, names: Sequence[str]) -> Iterator[Finding]:
    for index, match in enumerate(_list(routing, "match")):
        if not isinstance(match, dict):
            continue
        path = ("routing", "match", index)
        for name in _list(match, "targets"):
            if isinstance(name, str) and name not in names:
                yield _unknown(name, names, (*path, "targets"))
        if not match.get("targets") and match.get("release") in (None, "any"):
            yield Finding(path, "give targets or a release: so it leads anywhere", on_key=True)


def _check_guard(routing: Json) -> Iterator[Finding]:
    guard = routing.get("guard")
    if not isinstance(guard, dict):
        return
    if not any(guard.get(key) for key in ("keys", "tokens", "rate", "cors")):
        yield Finding(
            ("routing", "guard"), "it guards nothing: give keys, tokens, rate or cors", True
        )
    if guard.get("public") and not (guard.get("keys") or guard.get("tokens")):
        message = "without keys and tokens every path is public"
        yield Finding(("routing", "guard", "public"), message, on_key=True)
    keys = [key for key in _list(guard, "keys") if isinstance(key, dict)]
    for what in ("name", "sha256"):
        values = [key[what] for key in keys if isinstance(key.get(what), str)]
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield Finding(("routing", "guard", "keys"), f"two keys have the {what} {value}", True)
