"""What pods use, asked of a real Prometheus that scrapes what a kubelet would say."""

import contextlib
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployer.errors import NotFoundError, TransientError
from deployer.ports import Used
from deployer.providers.http.probe import HttpProbe
from deployer.providers.http.prometheus import PrometheusUsage
from deployer.providers.local.clock import SystemClock

CLOCK = SystemClock()
PROBE = HttpProbe(CLOCK)
LABELS = '{namespace="models",pod="%s",container="%s"}'


class Kubelet(BaseHTTPRequestHandler):
    """Half a cpu and 256 MiB each in two pods of release 42; others, and the pods' own sums."""

    def do_GET(self) -> None:
        begun = CLOCK.monotonic()
        lines = []
        for pod, container, cpus, memory in (
            ("iris-r42-7d9c5b6f4d-abcde", "main", 0.5, 256 * 2**20),
            ("iris-r42-7d9c5b6f4d-fghij", "main", 0.5, 256 * 2**20),
            ("iris-r42-7d9c5b6f4d-fghij", "", 0.5, 256 * 2**20),
            ("iris-r41-7d9c5b6f4d-klmno", "main", 3.0, 2**30),
        ):
            labels = LABELS % (pod, container)
            lines.append(f"container_cpu_usage_seconds_total{labels} {cpus * begun}")
            lines.append(f"container_memory_working_set_bytes{labels} {memory}")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(("\n".join(lines) + "\n").encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def prometheus(tmp_path: Path, unused_port: int) -> Iterator[str]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("needs Prometheus: apt-get install prometheus")
    with contextlib.ExitStack() as stack:
        kubelet = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Kubelet))
        threading.Thread(target=kubelet.serve_forever, daemon=True).start()
        stack.callback(kubelet.shutdown)
        job = {
            "job_name": "kubelet",
            "static_configs": [{"targets": [f"127.0.0.1:{kubelet.server_address[1]}"]}],
        }
        config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}
        (tmp_path / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        words = [
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{unused_port}",
        ]
        log = stack.enter_context((tmp_path / "prometheus.log").open("w"))
        process = stack.enter_context(subprocess.Popen([program, *words], stderr=log))
        stack.callback(process.kill)
        yield f"http://127.0.0.1:{unused_port}"


def ask_until_it_is_there(source: PrometheusUsage) -> Used:
    """A rate needs all of its time."""
    deadline = CLOCK.monotonic() + 60
    while True:
        with contextlib.suppress(NotFoundError, TransientError):
            used = source.measure("iris-r42", timeout_seconds=5)
            if used.vcpu > 0.8 or CLOCK.monotonic() > deadline:
                return used
        assert CLOCK.monotonic() < deadline
        CLOCK.sleep(0.3)


def test_the_use_of_a_workloads_pods_is_asked_of_a_prometheus(prometheus: str) -> None:
    """2 x 0.5 cpu and 2 x 256 MiB: neither the other release's nor the pods' sums are in it."""
    source = PrometheusUsage(PROBE, prometheus, "models", over="5s")
    used = ask_until_it_is_there(source)
    assert float(used.vcpu) == pytest.approx(1.0, rel=0.2)
    assert used.memory_gib == pytest.approx(0.5)
    assert used.source == f"Prometheus at {prometheus}"
    with pytest.raises(NotFoundError, match="has nothing of iris-r43 in models"):
        source.measure("iris-r43", timeout_seconds=5)
    with pytest.raises(NotFoundError, match="has nothing of iris-r42 in elsewhere"):
        PrometheusUsage(PROBE, prometheus, "elsewhere").measure("iris-r42", timeout_seconds=5)


def test_what_is_no_prometheus_is_told(unused_port: int) -> None:
    with ThreadingHTTPServer(("127.0.0.1", unused_port), Kubelet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = PrometheusUsage(PROBE, f"http://127.0.0.1:{unused_port}", "models")
        with pytest.raises(TransientError, match="not as a Prometheus does"):
            source.measure("iris-r42", timeout_seconds=5)
        server.shutdown()
