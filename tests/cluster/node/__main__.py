"""``python -m tests.cluster.node FOLDER NAME``: a node of the cluster whose settings are there."""

import argparse
import asyncio
from pathlib import Path

from deployer.providers.local.clock import SystemClock
from tests.cluster.api import read_kubeconfig
from tests.cluster.node.agent import Agent
from tests.cluster.node.balancer import Balancer
from tests.cluster.node.egress import serve_egress

__all__ = ["main"]


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument(
        "--egress", type=Path, help="carry the API server's connections, on a Unix socket"
    )
    parser.add_argument("--labels", default="", help="key=value,…")
    parser.add_argument("--taint", help="key=value; only pods that tolerate it come here")
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    clock, api = SystemClock(), read_kubeconfig(options.folder / "kubeconfig")
    labels = dict(pair.split("=", 1) for pair in options.labels.split(",") if pair)
    async with asyncio.TaskGroup() as group:
        if options.egress:
            options.egress.unlink(missing_ok=True)  # of a node that was killed
            server = await serve_egress(options.egress)
            group.create_task(server.serve_forever())
            group.create_task(Balancer(api, clock).run())
        group.create_task(
            Agent(options.folder, options.name, api, clock).run(labels, options.taint)
        )


if __name__ == "__main__":
    main()
