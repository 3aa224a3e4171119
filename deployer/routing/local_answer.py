"""A request that is answered here: a refusal, or the router's own pages."""

from collections.abc import Callable

from deployer.routing.downstream import Client
from deployer.routing.messages import local_response
from deployer.values import Json

__all__ = ["LocalAnswer", "Page"]

Page = Callable[[], tuple[int, Json]]
"""Makes the status and the JSON body when the answer's turn has come."""


class LocalAnswer:
    """Answers when its turn has come; closes the connection unless the request came whole."""

    def __init__(
        self, client: Client, page: Page, *, version: str, keep_alive: bool, bodiless: bool = False
    ) -> None:
        self.whole = False
        self._client = client
        self._page = page
        self._version = version
        self._keep_alive = keep_alive
        self._bodiless = bodiless

    def start(self) -> None:
        """Answer."""
        status, payload = self._page()
        keep_alive = self._keep_alive and self.whole
        self._client.write(
            local_response(
                status,
                payload,
                version=self._version,
                keep_alive=keep_alive,
                bodiless=self._bodiless,
            )
        )
        self._client.end_turn(keep_alive=keep_alive)

    def feed(self, data: bytes) -> None:
        """Ignore the body."""

    def finish_request(self) -> None:
        """Learn that the body has ended."""
        self.whole = True

    def take_whole(self, body: bytes) -> None:
        """Ignore the body."""
        del body
        self.whole = True

    def refuse(self, status: int, message: str) -> None:
        """Nothing is left to refuse: it is answered, and the connection ends with it."""

    def lose_client(self) -> None:
        """Nothing is under way."""

    def on_client_writable(self, *, writable: bool) -> None:
        """Its answer is small."""
