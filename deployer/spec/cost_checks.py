"""What goes together in ``budget`` and ``usage``; read off the data as the user wrote it."""

from collections.abc import Collection, Iterator, Mapping

from deployer.spec.faults import suggest
from deployer.spec.tree import Finding, TreePath, dig
from deployer.values import Json

__all__ = ["check_costs"]

_CURRENCY = "USD"


def check_costs(data: Json, names: Collection[str]) -> Iterator[Finding]:
    """Yield limits that limit nothing, targets nobody knows, and amounts nobody can compare."""
    budget = dig(data, "budget")
    if isinstance(budget, Mapping):
        yield from _check_budget(budget, names)
    source = dig(data, "usage", "pushed_from")
    if isinstance(source, str) and source and source not in names:
        yield _unknown(source, names, ("usage", "pushed_from"))


def _check_budget(budget: Mapping[str, Json], names: Collection[str]) -> Iterator[Finding]:
    limits: list[tuple[TreePath, Json]] = [(("budget",), budget)]
    found = budget.get("targets")
    targets: Mapping[str, Json] = found if isinstance(found, Mapping) else {}
    for name in targets:
        if name not in names:
            yield _unknown(str(name), names, ("budget", "targets", name))
        limits.append((("budget", "targets", name), targets[name]))
    for path, limit in limits:
        yield from _check_currency(limit, path)
        if isinstance(limit, Mapping) and not _limits(limit):
            yield Finding(path, "expected at least one of monthly and increase", on_key=True)


def _limits(limit: Mapping[str, Json]) -> bool:
    return any(limit.get(key) is not None for key in ("monthly", "increase", "targets"))


def _check_currency(limit: Json, path: TreePath) -> Iterator[Finding]:
    monthly = dig(limit, "monthly")
    if isinstance(monthly, str):
        currency = monthly.strip().partition(" ")[2].strip() or _CURRENCY
    else:
        currency = str(dig(monthly, "currency") or _CURRENCY)
    if currency != _CURRENCY:
        message = f"estimates are in {_CURRENCY}, and there is no rate for {currency}"
        yield Finding((*path, "monthly"), message, on_key=True)


def _unknown(name: str, names: Collection[str], path: TreePath) -> Finding:
    hint = suggest(name, sorted(names))
    return Finding(path, f"no target is called {name!r}{hint}", on_key=True)
