"""A Service's forwarder, over real sockets."""

import asyncio
from collections.abc import Mapping

from deployer.providers.local.supervisor.forwarders import Forwarder
from deployer.routing.engines.place import free_port

_CLIENTS = 20


class _Pod:
    name = "one"
    address = "127.0.0.1"

    def __init__(self, port: int) -> None:
        self.ports: Mapping[str, int] = {"http": port}


async def _shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write((await reader.read()).upper())
    await writer.drain()
    writer.close()


async def _ask(port: int, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)  # before there is a connection to the pod, as often as not
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_what_a_client_says_before_a_pod_is_reached_is_not_lost() -> None:
    async def story() -> list[bytes]:
        pod = await asyncio.start_server(_shout, "127.0.0.1", 0)
        port = free_port("127.0.0.1")
        forwarder = Forwarder("127.0.0.1", {"port": port, "targetPort": "http"})
        fault = await forwarder.update([_Pod(pod.sockets[0].getsockname()[1])])
        assert not fault
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*[_ask(port, b"word %d" % n) for n in range(_CLIENTS)])
        await forwarder.close()
        pod.close()
        await pod.wait_closed()
        return answers

    assert asyncio.run(story()) == [b"WORD %d" % n for n in range(_CLIENTS)]
