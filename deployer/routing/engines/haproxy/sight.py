"""What HAProxy's statistics say, in our words. Pure."""

from collections.abc import Iterable, Mapping

from deployer.routing.engines.haproxy.runtime import ServerRow
from deployer.routing.health import Source, State
from deployer.routing.plane import Orders, SeenBackend, Sight

__all__ = ["read_sight"]

_Row = Mapping[str, str]

_WHOLE_FARM = "BACKEND"
_COUNTED = (
    *("stot", "econ", "eresp", "hrsp_5xx", "srv_abrt", "cli_abrt"),
    *("scur", "qcur", "wretr", "wredis"),
)
_NO_VERDICT = ("", "INI")


def read_sight(rows: Iterable[_Row], servers: Mapping[str, ServerRow], orders: Orders) -> Sight:
    """Return the rows of ``show stat`` as a sight; a backend without a row is unknown.

    Args:
        rows: The farm's first, which say how it is; what others counted is added.
    """
    by_name = _add_up(rows)
    whole = by_name.pop(_WHOLE_FARM, {})
    wanted = {endpoint.authority for endpoint in orders.reachable}
    return Sight(
        backends=tuple(
            _see(endpoint.key, by_name.get(endpoint.authority) if endpoint.address else None)
            for endpoint in orders.endpoints
        ),
        draining=tuple(
            (name, _number(row, "scur"))
            for name, row in by_name.items()
            if name not in wanted and name in servers
        ),
        queued=_number(whole, "qcur") + sum(_number(row, "qcur") for row in by_name.values()),
        requests=_number(whole, "stot"),
        retries=_number(whole, "wretr") + _number(whole, "wredis"),
        abandoned=_number(whole, "cli_abrt"),
    )


def _add_up(rows: Iterable[_Row]) -> dict[str, _Row]:
    by_name: dict[str, _Row] = {}
    for row in rows:
        first = by_name.setdefault(row["svname"], row)
        if first is not row:
            sums = {c: str(_number(first, c) + _number(row, c)) for c in _COUNTED}
            by_name[row["svname"]] = {**first, **sums}
    return by_name


def _see(key: str, row: _Row | None) -> SeenBackend:
    if row is None:
        return SeenBackend(key, State.UNKNOWN, "its host's name can't be resolved")
    state = _state_of(row)
    passive = _is_passive(row, state)
    return SeenBackend(
        key,
        state,
        _say(row, passive=passive),
        source=Source.PASSIVE if passive else Source.ACTIVE,
        since_seconds=float(_number(row, "lastchg")),
        requests=_number(row, "stot"),
        failures=_number(row, "econ") + _number(row, "eresp") + _number(row, "hrsp_5xx"),
        cut_short=_number(row, "srv_abrt"),
        in_flight=_number(row, "scur"),
        ejections=_number(row, "chkdown"),
    )


def _state_of(row: _Row) -> State:
    """Translate ``UP``, ``UP 1/3`` (on its way down), ``DOWN``, ``DOWN 1/3`` and the rest."""
    word, _, progress = row["status"].partition(" ")
    if word in ("DOWN", "NOLB", "MAINT"):
        return State.DOWN
    if word != "UP" or row["check_status"].lstrip("* ") in _NO_VERDICT:
        return State.UNKNOWN
    return State.DEGRADED if progress else State.HEALTHY


def _is_passive(row: _Row, state: State) -> bool:
    """Tell whether requests took it down: it is down and the last probe passed, or was not it."""
    passed = row["check_status"].lstrip("* ") in ("HANA", "L7OK", "L4OK", "L6OK")
    return state is State.DOWN and passed


def _say(row: _Row, *, passive: bool) -> str:
    check = row["check_status"].lstrip("* ")
    if passive and check != "HANA":
        return "requests failed in a row; probes pass"
    text = " ".join(part for part in (row.get("check_desc"), row.get("last_chk")) if part)
    return text[:200] or "not probed yet"


def _number(row: _Row, column: str) -> int:
    return int(row.get(column) or 0)
