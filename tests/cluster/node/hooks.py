"""What runs before a container is told to end: ``lifecycle.preStop``."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from deployer.ports import Manifest
from deployer.providers.local.supervisor.probes import check_probe

__all__ = ["run_pre_stop"]

Execute = Callable[[Sequence[str]], Awaitable[int]]


async def run_pre_stop(
    container: Manifest, address: str, ports: Mapping[str, int], execute: Execute, *, seconds: float
) -> None:
    """Run a container's hook to its end, for ``seconds`` at most; a hook that fails is no reason
    to go on.
    """
    hook = (container.get("lifecycle") or {}).get("preStop")
    if hook is None:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            if sleep := hook.get("sleep"):
                await asyncio.sleep(float(sleep["seconds"]))
            else:
                await check_probe({**hook, "timeoutSeconds": seconds}, address, ports, execute)
