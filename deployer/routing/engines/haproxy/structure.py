"""What of a configuration HAProxy can be told while it runs, and what takes a reload. Pure."""

from deployer.routing.plane import Orders

__all__ = ["needs_reload", "render_labels"]

_SERVER = "    server "
_CONTROL = f"{_SERVER}control "
_FARM = "backend "


def needs_reload(running: str, wanted: str) -> bool:
    """Tell whether the runtime socket can't lead from one configuration to the other.

    It can add servers without TLS, take servers out, and change a server's address and weight. It
    can't load certificate authorities, can't make a backup of a server, and can't let go of open
    connections: those may lead to the pods of a release that is about to end, so another release
    behind the same address takes a worker with none of them.
    """
    before, after = _servers(running), _servers(wanted)
    kept = before.keys() & after.keys()
    return (
        _rest(running) != _rest(wanted)
        or any(before[name] != after[name] for name in kept)
        or any("ssl" in after[name] for name in after.keys() - kept)
    )


def render_labels(orders: Orders) -> str:
    """Return the map's file: a server's name and the backend's key, a line each."""
    return "".join(f"{endpoint.authority} {endpoint.key}\n" for endpoint in orders.reachable)


def _servers(text: str) -> dict[tuple[str, str], list[str]]:
    """Return, by farm and name, what each server has beyond its address and its weight."""
    found, farm = {}, ""
    for line in text.splitlines():
        if line.startswith(_FARM):
            farm = line
        if line.startswith(_SERVER) and not line.startswith(_CONTROL):
            name, _address, _weight, _number, *rest = line.split()[1:]
            found[farm, name] = rest
    return found


def _rest(text: str) -> list[str]:
    return [
        line
        for line in text.splitlines()
        if not line.startswith(_SERVER) or line.startswith(_CONTROL)
    ]
