"""Put one trained model on several clouds at once, and keep it served."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look the version up when it is first asked for: reading metadata is slow (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - that is the point

        return str(globals().setdefault(name, version("deployer")))
    raise AttributeError(name)
