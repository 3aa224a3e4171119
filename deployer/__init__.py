"""Put one trained model on several clouds at once, and keep it served."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("deployer")
