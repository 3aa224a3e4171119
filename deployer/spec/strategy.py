"""What goes together in ``strategy``; like all checks, read off the data as the user wrote it."""

from collections.abc import Iterator

from deployer.spec.tree import Finding, dig
from deployer.values import Json

__all__ = ["check_strategy"]

_LIMITS = {"max_unavailable": "0", "max_surge": "1"}
"""What rolling takes, with the defaults."""


def check_strategy(data: Json) -> Iterator[Finding]:
    """Yield limits without a rollout to limit, and those under which no pod is ever replaced."""
    written = {key: dig(data, "strategy", key) for key in _LIMITS}
    if dig(data, "strategy", "type") != "rolling":
        for key, value in written.items():
            if value is not None:
                yield Finding(("strategy", key), f"{key} belongs to type: rolling", on_key=True)
        return
    chosen = [_LIMITS[key] if value is None else str(value) for key, value in written.items()]
    if not any(text.strip("0%") for text in chosen):
        message = "with max_unavailable 0 and max_surge 0 no pod could ever be replaced"
        yield Finding(("strategy",), message, on_key=True)
