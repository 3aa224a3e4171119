"""A real Prometheus and its promtool, for tests of what is scraped and alerted on."""

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.spec.library import manifests_folder

__all__ = ["MONITORING", "Prometheus", "promtool", "rule_test", "watch"]

MONITORING = manifests_folder() / "monitoring"
_NEEDED = "needs Prometheus: apt-get install prometheus"


@pytest.fixture
def promtool() -> Callable[..., str]:
    """Run promtool; return what it printed, and fail when it is not content."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip(_NEEDED)

    def run(*words: str, given: str | None = None) -> str:
        result = subprocess.run(
            [program, *words], input=given, capture_output=True, text=True, check=False, timeout=60
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


class Prometheus:
    """One that runs; asked through its API."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pause = threading.Event()

    def ask(self, path: str, **query: str) -> Any:
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http only
            return json.load(answer)["data"]

    def value(self, query: str) -> float | None:
        found = self.ask("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> list[str]:
        alerts = self.ask("alerts")["alerts"]
        return [a["labels"]["alertname"] for a in alerts if a["state"] == "firing"]

    def until(self, check: Callable[[], bool]) -> None:
        for _ in range(200):
            with contextlib.suppress(OSError):
                if check():
                    return
            self._pause.wait(0.1)
        raise AssertionError(self.ask("targets")["activeTargets"])


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Prometheus]]:
    """Start a Prometheus that scrapes a URL every second and evaluates the rules we ship."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip(_NEEDED)
    with contextlib.ExitStack() as stack:

        def start(url: str, *, rules: str = "alerts.yaml", path: str = "/-/metrics") -> Prometheus:
            config = {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(MONITORING / rules)],
                "scrape_configs": [
                    {
                        "job_name": "scraped",
                        "metrics_path": path,
                        "static_configs": [{"targets": [url.removeprefix("http://")]}],
                    }
                ],
            }
            (tmp_path / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
            listen = f"127.0.0.1:{_unused_port()}"
            log = stack.enter_context((tmp_path / "prometheus.log").open("w"))
            words = [
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address={listen}",
            ]
            process = stack.enter_context(subprocess.Popen([program, *words], stderr=log))
            stack.callback(process.kill)
            return Prometheus(f"http://{listen}")

        yield start


def rule_test(
    alert: str, series: dict[str, str], *, fires: bool, at: str = "20m"
) -> dict[str, Any]:
    """Return a test of promtool's: whether an alert (``.*``: any) fires at a time."""
    expression = f'count(ALERTS{{alertname=~"{alert}", alertstate="firing"}}) or vector(0)'
    sample = {"labels": "{}", "value": int(fires)}
    return {
        "interval": "1m",
        "name": alert,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": at, "exp_samples": [sample]}],
    }


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
