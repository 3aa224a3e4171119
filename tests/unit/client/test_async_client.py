import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import uvloop

from deployer.client import AsyncClient, follow_backends
from deployer.errors import ProviderError
from deployer.routing.direct_loop import make_loop
from deployer.routing.steering import SteeringOptions
from deployer.routing.traffic import Timeouts

if TYPE_CHECKING:
    from tests.unit.client.conftest import Backend

Pair = list["Backend"]


def client_of(pair: Pair, **options: float) -> AsyncClient:
    words = [f"t{index}={backend.url}" for index, backend in enumerate(pair)]
    steering = SteeringOptions(fast=True, timeouts=Timeouts(**options))
    return AsyncClient(follow_backends(*words), options=steering)


@pytest.mark.parametrize("make", [asyncio.new_event_loop, make_loop, uvloop.new_event_loop])
def test_many_requests_go_side_by_side(
    pair: Pair, make: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def story() -> None:
        async with client_of(pair) as client:
            answers = await asyncio.gather(*[client.post_json("/infer", {}) for _ in range(50)])
        assert {answer.status for answer in answers} == {200}

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(story())


def test_a_request_that_is_cancelled_is_cancelled_at_the_backend(pair: Pair) -> None:
    pair[0].mode = "wait"

    async def story() -> None:
        async with client_of(pair[:1]) as client:
            waiting = asyncio.create_task(client.get("/infer"))
            while not pair[0].asked.is_set():  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert client.describe()["backends"][0]["in_flight"] == 0
            assert client.describe()["counters"]["abandoned"] == 1

    asyncio.run(story())


def test_a_backend_that_does_not_answer_in_time_is_given_up(pair: Pair) -> None:
    pair[0].mode = pair[1].mode = "wait"

    async def story() -> None:
        async with client_of(pair, first_byte=0.2) as client:
            with pytest.raises(ProviderError, match="did not answer in time"):
                await client.post_json("/infer", {})

    asyncio.run(story())
