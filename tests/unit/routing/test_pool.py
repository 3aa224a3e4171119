import asyncio
import contextlib
import gc

import pytest

from deployer.routing.address import parse_address
from deployer.routing.pool import Pool


@pytest.mark.parametrize("steps", range(2, 12))
def test_a_connection_given_up_half_way_leaves_no_socket_open(steps: int) -> None:
    async def story() -> None:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        pool = Pool(parse_address(f"http://127.0.0.1:{port}"))
        connecting = asyncio.create_task(pool.connect())
        for _ in range(steps):
            await asyncio.sleep(0)
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            (await connecting).abort()
        await asyncio.sleep(0)
        server.close()

    asyncio.run(story())
    gc.collect()  # a socket that was left would warn, and a warning is an error
