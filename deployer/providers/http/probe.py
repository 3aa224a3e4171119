"""One bounded HTTP exchange."""

from typing import TYPE_CHECKING, NoReturn

from deployer.errors import TransientError
from deployer.ports import Certificate, Clock, HttpRequest, HttpResponse
from deployer.providers.http.certificate import open_pool

if TYPE_CHECKING:
    import urllib3

__all__ = ["BODY_LIMIT_BYTES", "HttpProbe"]

BODY_LIMIT_BYTES = 1 << 20


class HttpProbe:
    """See `Probe`. A connection is opened for each request, so that connecting is proven too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See `Probe.send`."""
        import urllib3

        url = base_url.rstrip("/") + request.path
        begun = self._clock.monotonic()
        faults = (urllib3.exceptions.HTTPError, OSError, ValueError)
        met: list[Certificate] = []
        with open_pool(met) as pool:
            try:
                response = _open(pool, url, request, timeout_seconds)
            except faults as error:
                _refuse(url, timeout_seconds, _failed_part(error), error)
            try:
                body = self._read(response, begun + timeout_seconds)
            except faults as error:
                _refuse(url, timeout_seconds, "body", error)
        headers = {key.lower(): value for key, value in response.headers.items()}
        return HttpResponse(
            response.status,
            body,
            self._clock.monotonic() - begun,
            headers,
            met[-1] if met else None,
        )

    def _read(self, response: "urllib3.BaseHTTPResponse", deadline: float) -> bytes:
        """Read at most the limit; a body that trickles in is cut off at the deadline."""
        body = bytearray()
        try:
            while len(body) < BODY_LIMIT_BYTES:
                chunk = response.read1(min(1 << 16, BODY_LIMIT_BYTES - len(body)))
                if not chunk:
                    break
                body += chunk
                if self._clock.monotonic() > deadline:
                    raise TimeoutError("the body did not end in time")
        finally:
            response.close()
        return bytes(body)


def _open(
    pool: "urllib3.PoolManager", url: str, request: HttpRequest, timeout_seconds: float
) -> "urllib3.BaseHTTPResponse":
    import urllib3

    return pool.request(
        request.method,
        url,
        headers=dict(request.headers),
        body=request.body or None,
        timeout=urllib3.Timeout(total=timeout_seconds),
        retries=False,
        redirect=False,
        preload_content=False,
        decode_content=True,
    )


def _refuse(url: str, timeout_seconds: float, part: str, error: Exception) -> NoReturn:
    raise TransientError(
        f"{url} did not answer: {part} failed ({_say(error)}; timeout {timeout_seconds:g} s)",
        operation=part,
        resource=url,
    ) from error


def _failed_part(error: Exception) -> str:
    from urllib3 import exceptions

    table: tuple[tuple[type[Exception], str], ...] = (
        (exceptions.NameResolutionError, "resolve"),
        (exceptions.SSLError, "TLS"),
        (exceptions.NewConnectionError, "connect"),
        (exceptions.ConnectTimeoutError, "connect"),
        (exceptions.ReadTimeoutError, "first byte"),
        (exceptions.ProtocolError, "first byte"),
        (exceptions.LocationValueError, "address"),
    )
    return next((part for kind, part in table if isinstance(error, kind)), "exchange")


def _say(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else ""
    return text or type(error).__name__
