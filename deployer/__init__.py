"""Put one trained model on several clouds at once, and keep it served."""

from functools import cache

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: reading package metadata is slow (PEP 562)."""
    if name == "__version__":
        return _read_version()
    raise AttributeError(name)


@cache
def _read_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - that is the point

    return version("deployer")
