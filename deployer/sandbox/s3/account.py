"""The one key of the stand-in."""

__all__ = ["ACCESS_KEY", "SECRET_KEY"]

ACCESS_KEY = "sandbox"
SECRET_KEY = "sandbox-secret"  # noqa: S105 - of a server on loopback that holds nothing
