"""Building our errors from a vendor's: one line, cut, free of headers and bodies."""

from collections.abc import Mapping

from deployer.errors import DeployerError, ProviderError, TransientError

__all__ = ["build_error", "class_of", "cut_text", "seconds_of"]

_LIMIT = 240


def cut_text(text: object, limit: int = _LIMIT) -> str:
    """Return ``text`` as one line of at most ``limit`` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def class_of(
    error: BaseException, table: Mapping[str, type[DeployerError]]
) -> type[DeployerError] | None:
    """Return the table's class for the error's own class or its nearest ancestor named there.

    Keys are ``module.Class``.
    """
    for kind in type(error).__mro__:
        found = table.get(f"{kind.__module__}.{kind.__qualname__}")
        if found is not None:
            return found
    return None


def build_error(
    kind: type[DeployerError],
    why: str,
    *,
    operation: str,
    resource: str,
    hint: str | None = None,
    retry_after_seconds: float | None = None,
) -> DeployerError:
    """Return an error of ``kind`` that says which operation on what failed, and why."""
    message = f"cannot {operation} {resource}: {cut_text(why)}"
    if issubclass(kind, TransientError):
        return kind(
            message,
            operation=operation,
            resource=resource,
            hint=hint,
            retry_after_seconds=retry_after_seconds,
        )
    if issubclass(kind, ProviderError):
        return kind(message, operation=operation, resource=resource, hint=hint)
    return kind(message, hint=hint)


def seconds_of(retry_after: str | None) -> float | None:
    """Read a ``Retry-After`` header in its seconds form (RFC 9110, 10.2.3); None for any other."""
    if retry_after is None or not retry_after.strip().isdigit():
        return None
    return float(retry_after)
