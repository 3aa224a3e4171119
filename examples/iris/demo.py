"""The whole story on this machine, with real parts: three stand-in clouds, real model servers.

    make demo

A scikit-learn model goes to three object stores, comes up behind a router on three targets, loses
one of them, gets upgraded, has a bad version refused, is rolled back, and is priced, while real
predictions keep coming. Every claim is measured; the exit code is 0 only when each one held.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from traffic import Answer, Traffic, summarize

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
DEPLOYER = Path(sys.executable).parent / "deployer"
MODEL_PYTHON = REPOSITORY / ".venv-mlserver" / "bin" / "python"
LOST = "gcp"
LOST_TARGET = "gcp-iowa"
SETTLE_SECONDS = 1.0
PATIENCE_SECONDS = 15
"""What a look at the targets may take where all of them are there: the machine may be busy."""


@dataclass
class Story:
    """What has been claimed so far, and how long each step took."""

    claims: list[tuple[str, bool, str]] = field(default_factory=list)
    steps: list[tuple[str, float]] = field(default_factory=list)

    def claim(self, text: str, held: bool, measured: str) -> None:
        """Note a claim, whether it held, and the figure behind it."""
        self.claims.append((text, held, measured))
        print(f"  {'✓ held  ' if held else '✗ FAILED'}  {text}: {measured}", flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time a step and say its title."""
        print(f"\n── {title} {'─' * max(0, 84 - len(title))}", flush=True)
        started = time.monotonic()
        yield
        self.steps.append((title, time.monotonic() - started))


class Demo:
    """One run of the story in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = folder / "examples" / "iris" / "build"
        self.sandbox = folder / "sandbox"
        self.spec = self.sandbox / "deployer.yaml"
        servers = f"{MODEL_PYTHON.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        self.environment = {**os.environ, "IRIS_MODEL": "v1", "COLUMNS": "100", "PATH": servers}
        self.story = Story()
        self.port = _free_port()
        self.traffic = Traffic("127.0.0.1", self.port, "/v2/models/iris/infer")

    def run(self) -> bool:
        """Tell the story; return whether every claim held."""
        self.prepare()
        if self.deploy_first():
            return False
        with self.router():
            self.lose_a_cloud()
            self.upgrade()
            self.refuse_bad_version()
            self.roll_back()
            self.report()
        self.sum_up()
        return self.held()

    def held(self) -> bool:
        """Say whether every claim so far has held."""
        return all(held for _, held, _ in self.story.claims)

    def prepare(self) -> None:
        """Train three versions, one of them bad on purpose, while the stand-ins start."""
        with self.story.step("train v1, v2 and a bad version, while three stand-in clouds start"):
            train = [MODEL_PYTHON, HERE / "train.py", "--out", self.models]
            with subprocess.Popen(train) as training:
                self.deployer("sandbox", "up", "--dir", self.sandbox)
            if training.returncode:
                raise SystemExit("the training failed")
        self.traffic.examples = json.loads((self.models / "requests.json").read_text())
        self.environment |= _read_environment(self.sandbox / "env")
        text = self.spec.read_text().replace("build/v1", "build/${IRIS_MODEL}")
        self.spec.write_text(text)

    def deploy_first(self) -> int:
        """Plan, then deploy version 1; return its exit code."""
        with self.story.step("deploy v1 to three clouds"):
            self.deployer("plan", "-f", self.spec, expect=2)
            return self.deployer("deploy", "-f", self.spec)

    def lose_a_cloud(self) -> None:
        """Kill one cloud, store and cluster, under traffic; then bring it back."""
        with self.story.step(f"lose {LOST} under traffic: its store and its pods are killed"):
            lost_at = time.monotonic()
            self.deployer("sandbox", "down", LOST, "--now", "--dir", self.sandbox)
            killed_at = time.monotonic()
            time.sleep(3 * SETTLE_SECONDS)
            answers = self.traffic.since(lost_at)
            self.no_failure("no request fails when a cloud is lost", answers)
            last = max((a.at for a in answers if a.target == LOST_TARGET), default=lost_at)
            held = last - lost_at <= killed_at - lost_at + 1.0
            self.story.claim(
                "traffic leaves the lost cloud",
                held,
                f"its last answer came {max(0.0, last - lost_at):.2f} s after the kill began, "
                f"{len([a for a in answers if a.at > last])} went elsewhere since",
            )
            self.together({("status", "-f", self.spec, "--timeout", 2): 3, self.history: 0})
        with self.story.step(f"{LOST} comes back, empty; the same deploy heals it"):
            self.deployer("sandbox", "up", LOST, "--dir", self.sandbox)
            self.deployer("deploy", "-f", self.spec)
            self.story.claim("the lost cloud serves again", *self.answers_from(LOST_TARGET, 1))

    def upgrade(self) -> None:
        """Deploy version 2 under traffic."""
        with self.story.step("upgrade to v2 under traffic"):
            started = time.monotonic()
            self.environment["IRIS_MODEL"] = "v2"
            self.deployer("deploy", "-f", self.spec)
            time.sleep(SETTLE_SECONDS)
            self.no_failure("no request fails during the upgrade", self.traffic.since(started))
            self.story.claim("the router sends to release 2 on 3 targets", *self.routed(2))

    def refuse_bad_version(self) -> None:
        """Deploy the bad version: it must be refused, and never asked by the router."""
        with self.story.step("deploy the bad version: it loads, it is ready, and it is wrong"):
            started = time.monotonic()
            self.environment["IRIS_MODEL"] = "bad"
            code = self.deployer("deploy", "-f", self.spec, expect=1)
            answers = self.traffic.since(started)
            self.story.claim(
                "the bad version is refused and undone", code == 1, f"exit code {code}"
            )
            self.no_failure("no request fails while it is refused", answers)
            wrong = sum(a.status == 200 and not a.right for a in answers)
            asked = sum(a.release == 3 for a in answers)
            self.story.claim(
                "the bad version never gets a request",
                wrong == 0 and asked == 0,
                f"{asked} of {len(answers)} answers name it, {wrong} are wrong",
            )
            self.story.claim("release 2 is still live", *self.routed(2))

    def roll_back(self) -> None:
        """Roll back to version 1 under traffic."""
        with self.story.step("roll back to the release before, under traffic"):
            started = time.monotonic()
            self.deployer("rollback", "-f", self.spec)
            live = self.live(1)
            self.no_failure("no request fails during the rollback", self.traffic.since(started))
            self.story.claim("release 1 is live on 3 targets again", *live)

    def report(self) -> None:
        """Show cost, quality, health and history."""
        with self.story.step("cost, quality, health, history"):
            cost = ("report", "cost", "-f", self.spec)
            quality = ("evaluate", "--data", self.models / "holdout.csv", "-f", self.spec)
            health = ("report", "health", "-f", self.spec, "--timeout", PATIENCE_SECONDS)
            done = self.together({cost: 0, quality: 0, health: 0, self.history: 0})
            code, said = done[cost]
            total = next((line for line in said.splitlines() if "USD a month" in line), "")
            self.story.claim("the month is priced", code == 0 and bool(total), total)
            code, _ = done[quality]
            self.story.claim("all targets answer new rows alike", code == 0, f"exit code {code}")
            code, _ = done[health]
            self.story.claim("all targets are healthy at the end", code == 0, f"exit code {code}")

    def sum_up(self) -> None:
        """Print the table of figures."""
        answers = self.traffic.answers
        times = sorted(a.seconds for a in answers if a.status == 200)
        print(f"\n{'step':<70}{'seconds':>10}")
        for title, seconds in self.story.steps:
            print(f"{title[:68]:<70}{seconds:>10.1f}")
        print(f"{'':<70}{'─' * 10:>10}")
        print(f"{'all of it':<70}{sum(s for _, s in self.story.steps):>10.1f}")
        print(f"\nrequests through the router: {summarize(answers)}")
        if times:
            p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
            print(f"latency: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")
        failed = [text for text, held, _ in self.story.claims if not held]
        print(f"\n{len(self.story.claims) - len(failed)} of {len(self.story.claims)} claims held")
        for text in failed:
            print(f"  ✗ {text}")

    @contextmanager
    def router(self) -> Iterator[None]:
        """Run the router and the traffic for the rest of the story."""
        with self.story.step("start the router, and predictions through it: 20 a second"):
            log = (self.folder / "router.log").open("wb")
            listen = f"127.0.0.1:{self.port}"
            process = subprocess.Popen(
                [DEPLOYER, "router", "serve", "-f", self.spec, "--listen", listen, "--fast"],
                env=self.environment,
                cwd=self.folder,
                stderr=log,
            )
            self.story.claim("release 1 is live on 3 targets", *self.live(1))
            _await_ready(self.port, process)
            self.traffic.start()
            time.sleep(2 * SETTLE_SECONDS)
            self.no_failure("every target answers through the router", self.traffic.answers)
        try:
            yield
        finally:
            self.traffic.stop()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
            log.close()

    def no_failure(self, text: str, answers: list[Answer]) -> None:
        """Claim that requests were sent, and that every one was answered rightly."""
        held = bool(answers) and all(answer.right for answer in answers)
        self.story.claim(text, held, summarize(answers))

    def live(self, release: int) -> tuple[bool, str]:
        """Return whether ``release`` is live and healthy everywhere, as the command line says."""
        patience = ("--timeout", str(PATIENCE_SECONDS))
        words = [DEPLOYER, "status", "-f", self.spec, "-o", "json", *patience]
        text = self.start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE).communicate()[0]
        if not text:
            return False, "deployer status said nothing"
        status = json.loads(text)
        return _everywhere(
            release, [(t["target"], t["live_release"], t["verdict"]) for t in status["targets"]]
        )

    def routed(self, release: int) -> tuple[bool, str]:
        """Return whether ``release`` is what the router sends to, healthy, on every target."""
        backends = json.loads(_get(self.port, "/-/status"))["backends"]
        return _everywhere(release, [(b["target"], b["release"], b["state"]) for b in backends])

    def answers_from(self, target: str, release: int) -> tuple[bool, str]:
        """Return whether ``target`` answers through the router within a while."""
        started = time.monotonic()
        while time.monotonic() - started < 15:
            time.sleep(0.5)
            got = [a for a in self.traffic.since(started) if a.target == target and a.right]
            if got:
                return got[0].release == release, f"after {got[0].at - started:.1f} s"
        return False, "not in 15 s"

    @property
    def history(self) -> tuple[object, ...]:
        """Return the command that shows every release."""
        return "history", "-f", self.spec

    def deployer(self, *arguments: object, expect: int = 0) -> int:
        """Run a command as a user would, show it, and demand its exit code."""
        self.show(arguments)
        code = self.start([DEPLOYER, *arguments]).wait()
        self.demand(arguments, code, expect)
        return code

    def together(
        self, expected: dict[tuple[object, ...], int]
    ) -> dict[tuple[object, ...], tuple[int, str]]:
        """Run commands side by side, show each, and demand their exit codes.

        Returns:
            The exit code and what was said, by command.
        """
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        running = {words: self.start([DEPLOYER, *words], **streams) for words in expected}
        done = {}
        for words, process in running.items():
            said = process.communicate()[0]
            self.show(words)
            print(said, end="", flush=True)
            self.demand(words, process.returncode, expected[words])
            done[words] = process.returncode, said
        return done

    def start(self, words: list[object], **streams: int) -> "subprocess.Popen[str]":
        """Start a command in the story's folder and environment."""
        command = [str(word) for word in words]
        return subprocess.Popen(
            command, env=self.environment, cwd=self.folder, text=True, **streams
        )

    def shown(self, words: tuple[object, ...]) -> str:
        """Return a command as a user in the story's folder would type it."""
        return " ".join(str(word).replace(f"{self.folder}/", "") for word in words)

    def show(self, words: tuple[object, ...]) -> None:
        """Print a command."""
        print(f"$ deployer {self.shown(words)}", flush=True)

    def demand(self, words: tuple[object, ...], code: int, expected: int) -> None:
        """Claim that a command ended as it should, when it did not."""
        if code != expected:
            text = f"deployer {self.shown(words)} exits {expected}"
            self.story.claim(text, False, f"it exited {code}")

    def stop_clouds(self) -> None:
        """Stop everything that `prepare` started."""
        self.deployer("sandbox", "down", "--dir", self.sandbox)


def _everywhere(release: int, seen: list[tuple[str, int, str]]) -> tuple[bool, str]:
    held = len(seen) == 3 and all(
        number == release and verdict == "healthy" for _, number, verdict in seen
    )
    return held, ", ".join(f"{name}: {number} {verdict}" for name, number, verdict in seen)


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _read_environment(file: Path) -> dict[str, str]:
    lines = [line.removeprefix("export ") for line in file.read_text().splitlines()]
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name: value.strip("'\"") for name, value in pairs}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_ready(port: int, process: subprocess.Popen) -> None:
    for _ in range(150):
        if process.poll() is not None:
            raise SystemExit("the router did not start; see router.log")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise SystemExit("the router was not ready in 15 s")


def main() -> None:
    """Run the demo in a temporary folder and clean up whatever happens."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="deployer-demo-") as folder:
        demo = Demo(Path(folder))
        try:
            held = demo.run()
        finally:
            demo.stop_clouds()
    print(f"wall time {time.monotonic() - started:.0f} s, installation not counted")
    raise SystemExit(0 if held else 1)


if __name__ == "__main__":
    main()
