from collections.abc import Callable

import pytest

from deployer.routing.engines.haproxy.runtime import ServerRow
from deployer.routing.engines.haproxy.sight import read_sight
from deployer.routing.health import Source, State
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]
NAME = "10.0.0.1:80"


def make_row(name: str = NAME, **columns: str) -> dict[str, str]:
    return {"svname": name, "status": "UP", "check_status": "L7OK", "lastchg": "5"} | columns


@pytest.mark.parametrize(
    ("status", "check", "state", "source"),
    [
        ("UP", "L7OK", State.HEALTHY, Source.ACTIVE),
        ("UP", "* L7OK", State.HEALTHY, Source.ACTIVE),
        ("UP 1/3", "L4CON", State.DEGRADED, Source.ACTIVE),
        ("UP", "INI", State.UNKNOWN, Source.ACTIVE),
        ("no check", "", State.UNKNOWN, Source.ACTIVE),
        ("DOWN", "L4CON", State.DOWN, Source.ACTIVE),
        ("DOWN", "HANA", State.DOWN, Source.PASSIVE),
        ("DOWN 1/3", "L7OK", State.DOWN, Source.PASSIVE),
        ("MAINT", "", State.DOWN, Source.ACTIVE),
    ],
)
def test_haproxys_words_become_ours(
    make_orders: MakeOrders, status: str, check: str, state: State, source: Source
) -> None:
    row = make_row(status=status, check_status=check)
    (seen,) = read_sight([row], {}, make_orders("a=http://10.0.0.1:80")).backends
    assert (seen.state, seen.source, seen.since_seconds) == (state, source, 5.0)


def test_counts_are_added_up(make_orders: MakeOrders) -> None:
    row = make_row(stot="9", econ="1", eresp="2", hrsp_5xx="3", scur="4", srv_abrt="1")
    whole = make_row("BACKEND", qcur="2", stot="9", wretr="1", wredis="2", cli_abrt="3")
    sight = read_sight([row, whole], {}, make_orders("a=http://10.0.0.1:80"))
    (seen,) = sight.backends
    assert (seen.requests, seen.failures, seen.in_flight, seen.cut_short) == (9, 6, 4, 1)
    assert (sight.queued, sight.retries, sight.abandoned) == (2, 3, 3)


def test_servers_that_are_not_wanted_any_more_drain(make_orders: MakeOrders) -> None:
    old = ServerRow("10.0.0.2:80", "10.0.0.2", 80, 1, draining=True, in_maintenance=False)
    rows = [make_row(), make_row(old.name, scur="2")]
    sight = read_sight(rows, {old.name: old}, make_orders("a=http://10.0.0.1:80"))
    assert sight.draining == ((old.name, 2),)


def test_a_backend_without_a_server_is_unknown(make_orders: MakeOrders) -> None:
    (seen,) = read_sight([], {}, make_orders("a=http://10.0.0.1:80")).backends
    assert seen.state is State.UNKNOWN
