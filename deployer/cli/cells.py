"""How the reading commands word what more than one of them shows."""

__all__ = ["NOTHING", "format_ready"]

NOTHING = "-"
"""A cell to which nothing applies; not for what is unknown."""


def format_ready(ready: int | None, replicas: int | None) -> str:
    """Return ``2/2``; ``unknown`` when the cluster did not say."""
    return "unknown" if ready is None or replicas is None else f"{ready}/{replicas}"
