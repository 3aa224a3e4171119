"""One bounded HTTP exchange over a Unix socket."""

import http.client
import socket
from pathlib import Path

from deployer.errors import TransientError
from deployer.ports import Clock, HttpRequest, HttpResponse
from deployer.providers.http.probe import BODY_LIMIT_BYTES

__all__ = ["UnixSocketProbe"]


class UnixSocketProbe:
    """See `Probe`. The base URL is the socket's path."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        """See `Probe.send`."""
        begun = self._clock.monotonic()
        connection = _Connection(Path(base_url), timeout_seconds)
        try:
            connection.request(request.method, request.path, request.body, dict(request.headers))
            response = connection.getresponse()
            body = response.read(BODY_LIMIT_BYTES)
        except (OSError, http.client.HTTPException) as error:
            said = getattr(error, "strerror", None) or type(error).__name__
            raise TransientError(
                f"{base_url} did not answer: {said} (timeout {timeout_seconds:g} s)",
                operation="exchange",
                resource=base_url,
            ) from error
        finally:
            connection.close()
        headers = {key.lower(): value for key, value in response.headers.items()}
        return HttpResponse(response.status, body, self._clock.monotonic() - begun, headers)


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        """Connect to the path instead of the host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
