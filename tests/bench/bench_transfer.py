"""What moving an artifact costs beside the clouds' own SDKs and the fast tools.

All clients talk to one `sink` in a process of its own, in turns, best of several, with files in
memory; print ratios of wall and of CPU seconds. On a machine that others use, too, the CPU is what
counts. The sink's own ceiling comes first: bytes and requests per second from bare sockets. Peers
that are not installed (``uv sync --group bench``) are left out by name.

    python -m tests.bench transfer
"""

import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.artifact.model import hash_file
from deployer.transfer import mark_file
from tests.bench.sink import pattern

MIB = 1 << 20
LARGE = 256 * MIB
SMALL, COUNT = 16 << 10, 1000
HERE = Path(__file__).resolve().parent
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - files that no disk slows down
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AZURE_STORAGE_KEY": "a2V5",
    "S3_ENDPOINT_URL": "",
}
PEERS = {
    "ours-s3": ("boto3", "s5cmd", "rclone", "obstore"),
    "ours-gs": ("tm",),
    "ours-az": ("azure", "azure-md5"),
}


@dataclass
class Measured:
    """The best run of a client: wall and CPU seconds, resident MiB before and at the peak."""

    wall: float
    cpu: float
    base: float = 0.0
    peak: float = 0.0
    read: int = 0


@contextmanager
def sink(*words: str) -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, str(HERE / "sink.py"), *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


def measure(client: str, port: int, way: str, source: Path) -> Measured:
    """Run one client once, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as to:
        if client in PROGRAMS:
            return run_program(PROGRAMS[client](port, source, Path(to)), way)
        arguments = [client, str(port), way, str(source), to]
        answer = subprocess.run(
            [sys.executable, str(HERE / "transfer_client.py"), *arguments],
            env=os.environ | ENVIRONMENT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    return Measured(**json.loads(answer.stdout))


@dataclass(frozen=True)
class Program:
    """A tool's own commands that bring a file or a folder up, and down again."""

    up: list[str]
    down: list[str]


def s5cmd_of(port: int, source: Path, to: Path) -> Program:
    here, there = (f"{source}/", "s3://bench/s5/") if source.is_dir() else (source, "s3://bench/s5")
    command = ["s5cmd", "--endpoint-url", f"http://127.0.0.1:{port}", "--log", "error", "cp"]
    found = f"{there}*" if source.is_dir() else str(there)
    return Program([*command, str(here), str(there)], [*command, found, f"{to}/"])


def rclone_of(port: int, source: Path, to: Path) -> Program:
    remote = f":s3,provider=Other,endpoint='http://127.0.0.1:{port}',env_auth,no_check_bucket:bench"
    there = f"{remote}/rclone/" if source.is_dir() else f"{remote}/rclone-model"
    command = ["rclone", "--config", "/dev/null", "--quiet", "--transfers", "16"]
    verb, back = ("copy", to) if source.is_dir() else ("copyto", to / "model")
    return Program([*command, verb, str(source), there], [*command, verb, there, str(back)])


PROGRAMS = {"s5cmd": s5cmd_of, "rclone": rclone_of}


def run_program(program: Program, way: str) -> Measured:
    environment = os.environ | ENVIRONMENT
    if way == "down":
        subprocess.run(program.up, env=environment, check=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = program.up if way == "up" else program.down
    subprocess.run(command, env=environment, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall, cpu)


def is_there(peer: str) -> bool:
    if peer in PROGRAMS:
        return shutil.which(peer) is not None
    return peer != "obstore" or importlib.util.find_spec("obstore") is not None


def compare(port: int, way: str, source: Path, what: str) -> dict[str, Measured]:
    """Run every client in turns; print one line each, peers with their ratio to ours."""
    best: dict[str, Measured] = {}
    groups = {us: [peer for peer in peers if is_there(peer)] for us, peers in PEERS.items()}
    for peer in [peer for peers in PEERS.values() for peer in peers if not is_there(peer)]:
        print(f"{what}: {peer} is left out: it is not installed", flush=True)
    for _ in range(RUNS):
        for client in [name for us, peers in groups.items() for name in (us, *peers)]:
            if client == "azure-md5" and way == "down":
                continue  # the SDK checks ranges of 4 MiB at most
            try:
                found = measure(client, port, way, source)
            except subprocess.CalledProcessError as error:
                print(f"{what}: {client} failed with status {error.returncode}", flush=True)
                continue
            best[client] = better(found, best.get(client, found))
    for us, peers in groups.items():
        show(what, us, best[us], None)
        for peer in [peer for peer in peers if peer in best]:
            show(what, peer, best[peer], best[us])
    return best


def better(one: Measured, other: Measured) -> Measured:
    """Return the best of two runs: the least of each figure, the most memory."""
    return Measured(
        min(one.wall, other.wall),
        min(one.cpu, other.cpu),
        min(one.base, other.base),
        max(one.peak, other.peak),
        one.read,
    )


def bench_sink(port: int) -> None:
    """What the sink takes and gives when nobody else needs the processor for more than bytes."""
    answers = {}
    for way in ("up", "down", "requests"):
        found = [float(run_bare(port, way)) for _ in range(RUNS)]
        answers[way] = max(found)
    print(
        f"the sink: takes {answers['up']:.0f} MB/s, gives {answers['down']:.0f} MB/s, answers "
        f"{answers['requests']:.0f} puts of 16 KiB a second",
        flush=True,
    )


def bench_scan(source: Path) -> None:
    """What precedes sending and is in no peer's figure: SHA-256 and CRCs, beside SHA-256 alone."""
    used = {}
    for name, read in (("sha256 and CRCs", mark_file), ("sha256", hash_file)):
        began = time.process_time()
        read(source)
        used[name] = time.process_time() - began
    words = ", ".join(f"{name} {cpu:.2f} CPU s" for name, cpu in used.items())
    print(f"the scan of {LARGE // MIB} MB, which comes before: {words}", flush=True)


def run_bare(port: int, way: str) -> str:
    command = [sys.executable, str(HERE / "bare_client.py"), str(port), way]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def show(what: str, client: str, one: Measured, ours: Measured | None) -> None:
    ratio = (
        f"   ours is {one.wall / ours.wall:5.2f} x, by CPU {one.cpu / ours.cpu:5.2f} x"
        if ours
        else ""
    )
    amount = f"{LARGE / MIB / one.wall:7.0f} MB/s" if "256" in what else ""
    amount = amount or f"{COUNT / one.wall:7.0f} obj/s"
    memory = f"{one.base:4.0f}→{one.peak:4.0f} MiB" if one.peak else ""
    print(f"{what:<14}{client:<10}{amount}  {one.cpu:6.2f} CPU s  {memory:<14}{ratio}", flush=True)


def bench_three(source: Path) -> None:
    """One artifact to three clouds at once, beside the slowest of them alone.

    Over loopback the processor is the limit, and three times the work takes its time. So a network
    is put in between: so many MiB a second for each of the 8 connections that go to a cloud.
    """
    for rate in (5, 10, 0):
        with sink(*([str(rate)] if rate else [])) as port:
            alone = [_least("ours-s3", port, source), _least("ours-gs", port, source)]
            alone.append(_least("ours-az", port, source))
            three = min((measure("three", port, "up", source) for _ in range(RUNS)), key=_wall)
        link = f"{rate} MiB/s a connection" if rate else "loopback"
        show_three(link, three, alone)


def _least(client: str, port: int, source: Path) -> float:
    return min(measure(client, port, "up", source).wall for _ in range(RUNS))


def _wall(one: Measured) -> float:
    return one.wall


def show_three(link: str, best: Measured, alone: list[float]) -> None:
    slowest, together = max(alone), sum(alone)
    print(
        f"to three clouds, {link}: {best.wall:.2f} s, {best.wall / slowest:.2f} x the slowest, "
        f"{best.wall / together:.2f} x one after the other; read from disk: "
        f"{best.read / LARGE:.2f} x the file; {best.base:.0f}→{best.peak:.0f} MiB",
        flush=True,
    )


def bench_memory(port: int, folder: Path) -> None:
    """The peak over the base for one file of 4 GB (of holes) and for ten thousand small ones."""
    with (folder / "huge").open("wb") as file:
        file.truncate(4 << 30)
    many = folder / "many"
    many.mkdir()
    for number in range(10_000):
        (many / f"{number:05}").write_bytes(b"x" * 1024)
    for name in ("huge", "many"):
        one = measure("ours-s3", port, "up", folder / name)
        print(
            f"up {name:<6} {one.wall:6.1f} s  {one.cpu:6.1f} CPU s  "
            f"{one.base:.0f}→{one.peak:.0f} MiB  (limit: base + 8 x 8 + 32 = {one.base + 96:.0f})",
            flush=True,
        )


def main() -> None:
    """Measure all of it."""
    beside = str(Path(sys.executable).parent)  # where packages put their programs
    os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", os.defpath)])
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, sink() as port:
        bench_sink(port)
        folder = Path(name)
        with (folder / "model").open("wb") as file:  # a child's peak counts its parent's memory
            for _ in range(LARGE // MIB):
                file.write(pattern(MIB))
        bench_scan(folder / "model")
        (folder / "small").mkdir()
        for number in range(COUNT):
            (folder / "small" / f"{number:04}").write_bytes(pattern(SMALL))
        compare(port, "up", folder / "model", "up 256 MB")
        compare(port, "down", folder / "model", "down 256 MB")
        compare(port, "up", folder / "small", "up 1000x16K")
        compare(port, "down", folder / "small", "down 1000x16K")
        bench_three(folder / "model")
        bench_memory(port, folder)


if __name__ == "__main__":
    main()
