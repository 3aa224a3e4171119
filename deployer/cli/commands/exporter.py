"""``deployer exporter``: cost and health for Prometheus."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.options import RouterUrl, SpecFile, Timeout
from deployer.cli.ran import SamplesFile
from deployer.errors import DeployerError, SetupError, SourceError, StateError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from deployer.cli.reading import Reader
    from deployer.release.records import Bundle
    from deployer.report.metrics import Facts

__all__ = ["Looker", "exporter", "open_registry", "serve_metrics", "write_textfile"]

_PATIENCE = 3
"""Looks that may be missed before the last one says nothing of now."""


def exporter(
    file: SpecFile = Path("deployer.yaml"),
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen.")
    ] = "127.0.0.1:9464",
    textfile: Annotated[
        Path | None,
        typer.Option("--textfile", metavar="FILE", help="Write it there once, and end."),
    ] = None,
    interval: Annotated[
        float,
        typer.Option("--interval", metavar="SECONDS", min=1, help="How often to look."),
    ] = 60.0,
    timeout: Timeout = 5.0,
    router: RouterUrl = None,
    samples: SamplesFile = None,
) -> None:
    """Serve cost and health as metrics for Prometheus.

    Looks every --interval and serves the last look. What is unknown has no series, and one that
    ends in _unknown beside it. With --textfile FILE.prom it looks once, for node_exporter's
    textfile collector and cron. Rules, alerts and a dashboard are in manifests/monitoring.

    Example: deployer exporter --textfile /var/lib/node_exporter/iris.prom
    """
    from deployer.cli.reading import open_reader

    reader = open_reader(file)
    looker = Looker(reader, timeout_seconds=timeout, router=router, samples=samples)
    if textfile is not None:
        write_textfile(textfile, looker)
        output.print_note(f"wrote {textfile}")
        return
    serve_metrics(looker, listen, interval)


class Looker:
    """Looks at a deployment, time and again; releases never change, so each is read once."""

    def __init__(
        self,
        reader: "Reader",
        *,
        timeout_seconds: float,
        router: str | None = None,
        samples: Path | None = None,
    ) -> None:
        self.reader = reader
        self._timeout_seconds = timeout_seconds
        self._router = router
        self._samples = samples
        self._bundles: dict[int, Bundle] = {}

    def look(self) -> "Facts":
        """Return what there is to see now; without the record nothing is known, and that is said.

        Raises:
            SourceError: The samples cannot be read.
        """
        from deployer.report.metrics import Facts

        clock = self.reader.clock
        began = clock.monotonic()
        try:
            facts = self._look()
        except StateError as error:
            output.print_note(f"the record cannot be read: {error.message}")
            facts = Facts(self.reader.spec.name, clock.now())
        return replace(facts, seconds=clock.monotonic() - began)

    def _look(self) -> "Facts":
        from deployer.cli.health import Sources, judge_health
        from deployer.cli.outlook import read_outlook
        from deployer.cli.reading import look_at
        from deployer.report.cost import build_cost_report
        from deployer.report.metrics import Facts

        reader = self.reader
        seen = look_at(reader, timeout_seconds=self._timeout_seconds)
        now = reader.clock.now()
        books = {target: provider.prices for target, provider in reader.providers.items()}
        cost = build_cost_report(seen.head, seen.bundles, books, seen.observations, now=now)
        return Facts(
            reader.spec.name,
            now,
            health=judge_health(
                reader, seen, Sources(self._timeout_seconds, self._router, self._samples)
            ),
            cost=cost,
            outlook=read_outlook(reader, seen.head, cost, self._samples, self._bundles),
        )


def open_registry(
    looker: Looker, latest: "Callable[[], Facts]", most_seconds: float
) -> "CollectorRegistry":
    """Return a registry that shows what ``latest`` returns."""
    from prometheus_client import CollectorRegistry

    from deployer.report.metrics import FactsCollector

    registry = CollectorRegistry(auto_describe=False)
    registry.register(FactsCollector(latest, looker.reader.clock.now, most_seconds))
    return registry


def write_textfile(file: Path, looker: Looker) -> None:
    """Look once and write it, whole or not at all.

    Raises:
        SourceError: It cannot be written.
    """
    from prometheus_client import write_to_textfile

    facts = looker.look()
    try:
        write_to_textfile(str(file), open_registry(looker, lambda: facts, float("inf")))
    except OSError as error:
        raise SourceError(f"{file}: the metrics cannot be written: {error.strerror}") from error


def serve_metrics(looker: Looker, listen: str, interval: float) -> None:
    """Serve until SIGTERM or SIGINT; a look that fails leaves the last one, which grows too old.

    Raises:
        SetupError: It cannot be listened on.
    """
    import signal
    import threading

    from prometheus_client import start_http_server

    from deployer.cli.commands.router_source import split_listen

    host, port = split_listen(listen)
    latest = looker.look()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    registry = open_registry(looker, lambda: latest, _PATIENCE * interval)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise SetupError(f"cannot listen on {listen}: {error.strerror}") from error
    output.print_note(f"exporter: listening on http://{host}:{server.server_port}/metrics")
    while not stop.wait(interval):
        try:
            latest = looker.look()
        except DeployerError as error:
            output.print_note(f"not looked at: {error.message}")
    server.shutdown()
    server.server_close()
    thread.join()
