"""The side a request comes from."""

from typing import Protocol

from deployer.routing.stream import Stream

__all__ = ["Client", "Turn"]


class Client(Protocol):
    """The client's connection, as an exchange uses it."""

    peer: bytes
    scheme: bytes
    writable: bool

    def write(self, data: bytes) -> None:
        """Send to the client."""
        ...

    def hold(self, *, held: bool) -> None:
        """Stop reading the request's body, or go on."""
        ...

    def cut(self, *, at_once: bool) -> None:
        """Close without ending the response; ``at_once`` drops what is not sent yet."""
        ...

    def end_turn(self, *, keep_alive: bool) -> None:
        """Go on with the next request, or close."""
        ...

    def hand_over(self) -> tuple[Stream, bytes] | None:
        """Give the connection away, and what it has brought for a tunnel; None when there is none.

        Nothing is called afterwards.
        """
        ...


class Turn(Protocol):
    """A request whose answer is due after those before it."""

    @property
    def whole(self) -> bool:
        """Whether it has come in completely."""
        ...

    def start(self) -> None:
        """Begin: its turn has come."""
        ...

    def feed(self, data: bytes) -> None:
        """Take in body bytes."""
        ...

    def finish_request(self) -> None:
        """Learn that the body has ended."""
        ...

    def take_whole(self, body: bytes) -> None:
        """Take in all of the body, and that it has ended, before `start`."""
        ...

    def refuse(self, status: int, message: str) -> None:
        """Answer that the rest of the request is malformed."""
        ...

    def lose_client(self) -> None:
        """Stop at once: the client is gone."""
        ...

    def on_client_writable(self, *, writable: bool) -> None:
        """Follow a slow reader."""
        ...
