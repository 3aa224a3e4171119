"""A backend's health as one process of a router tells it to another."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from deployer.routing.health import Health, Source, State

__all__ = ["describe_health", "read_health"]


def describe_health(health: Health) -> dict[str, Any]:
    """Return a health for another process of this machine: monotonic times are the same there."""
    return asdict(health)


def read_health(told: Mapping[str, Any]) -> Health:
    """Return the health that `describe_health` described."""
    return Health(**{**told, "state": State(told["state"]), "source": Source(told["source"])})
