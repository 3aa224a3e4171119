"""One page of JSON from a public price list; what a status means is said here once."""

from typing import TYPE_CHECKING

from deployer.errors import AccessDeniedError, ProviderError, TransientError
from deployer.providers.translation import build_error, seconds_of
from deployer.values import Json

if TYPE_CHECKING:
    from urllib3 import PoolManager

__all__ = ["get_page"]

_SECONDS = 20.0
_OK, _TOO_MANY, _BROKEN = 200, 429, 500


def get_page(pool: "PoolManager", url: str, fields: dict[str, str], *, what: str) -> Json:
    """Return the page as JSON.

    Args:
        pool: What sends it.
        url: Without a query.
        fields: The query; it may hold a key, and is in no error.
        what: Whose price list it is, for errors.

    Raises:
        TransientError: It did not answer, or not now.
        AccessDeniedError: The key is missing or not allowed.
        ProviderError: It answered with anything else than a page.
    """
    import urllib3

    try:
        answer = pool.request(
            "GET", url, fields=fields, timeout=urllib3.Timeout(total=_SECONDS), retries=False
        )
    except urllib3.exceptions.HTTPError as error:
        why = type(error).__name__
        raise build_error(TransientError, why, operation="read", resource=what) from error
    if answer.status != _OK:
        kind = _kind_of(answer.status)
        raise build_error(
            kind,
            f"it answered {answer.status}",
            operation="read",
            resource=what,
            retry_after_seconds=seconds_of(answer.headers.get("Retry-After")),
        )
    try:
        return answer.json()
    except ValueError as error:
        raise build_error(
            ProviderError, "the page is no JSON", operation="read", resource=what
        ) from error


def _kind_of(status: int) -> type[ProviderError]:
    if status in (401, 403):
        return AccessDeniedError
    return TransientError if status == _TOO_MANY or status >= _BROKEN else ProviderError
