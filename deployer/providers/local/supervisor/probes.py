"""Readiness, startup and liveness probes, as the kubelet does them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from deployer.ports import Manifest

__all__ = ["Execute", "ProbeCounter", "check_probe", "find_port", "run_probe"]

Execute = Callable[[Sequence[str]], Awaitable[int]]
"""Runs a command in the container's surroundings and returns its exit code."""

_SUCCESS = range(200, 400)


class ProbeCounter:
    """A verdict that turns only after enough answers in a row said so."""

    def __init__(self, probe: Manifest, *, verdict: bool) -> None:
        self.verdict = verdict
        self._thresholds = {
            True: int(probe.get("successThreshold", 1)),
            False: int(probe.get("failureThreshold", 3)),
        }
        self._last, self._streak = verdict, 0

    def record(self, *, success: bool) -> bool:
        """Count one answer and return the verdict after it."""
        self._streak = self._streak + 1 if success is self._last else 1
        self._last = success
        if self._streak >= self._thresholds[success]:
            self.verdict = success
        return self.verdict


async def run_probe(
    probe: Manifest,
    counter: ProbeCounter,
    check: Callable[[], Awaitable[str]],
    tell: Callable[[bool, str], None],
) -> None:
    """Ask again and again; ``tell`` every time the verdict changes, with what was wrong.

    Runs until it is cancelled.
    """
    await asyncio.sleep(float(probe.get("initialDelaySeconds", 0)))
    while True:
        fault = await check()
        before = counter.verdict
        if counter.record(success=not fault) is not before:
            tell(counter.verdict, fault)
        await asyncio.sleep(max(0.05, float(probe.get("periodSeconds", 10))))


async def check_probe(
    probe: Manifest, address: str, ports: Mapping[str, int], execute: Execute
) -> str:
    """Ask once; return what is wrong, empty when nothing is."""
    seconds = float(probe.get("timeoutSeconds", 1))
    try:
        async with asyncio.timeout(seconds):
            return await _ask(probe, address, ports, execute)
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except (OSError, ValueError, LookupError) as error:
        return str(error) or type(error).__name__


def find_port(value: Any, ports: Mapping[str, int]) -> int:
    """Return a port given by number or by name.

    Raises:
        LookupError: No container port has that name.
    """
    if isinstance(value, int) or str(value).isdigit():
        return int(value)
    if value not in ports:
        raise LookupError(f"no container port is called {value!r}")
    return ports[value]


async def _ask(probe: Manifest, address: str, ports: Mapping[str, int], execute: Execute) -> str:
    if http := probe.get("httpGet"):
        return await _get(http, http.get("host") or address, find_port(http["port"], ports))
    if tcp := probe.get("tcpSocket"):
        _, writer = await asyncio.open_connection(address, find_port(tcp["port"], ports))
        writer.close()
        return ""
    if command := (probe.get("exec") or {}).get("command"):
        code = await execute(command)
        return f"exit code {code}" if code else ""
    return f"the local cluster does not know this probe: {', '.join(probe)}"


async def _get(http: Manifest, host: str, port: int) -> str:
    if http.get("scheme", "HTTP") != "HTTP":
        return "the local cluster probes plain HTTP only"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/deployer"}
    headers |= {h["name"]: h["value"] for h in http.get("httpHeaders") or ()}
    lines = [f"GET {http.get('path') or '/'} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        answer = (await reader.readline()).decode("latin-1").split()
    finally:
        writer.close()
    if len(answer) < 2 or not answer[1].isdigit():  # noqa: PLR2004 - version and status
        return "not an HTTP answer"
    return "" if int(answer[1]) in _SUCCESS else f"HTTP {answer[1]}"
