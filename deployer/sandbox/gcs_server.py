"""Google Cloud Storage on loopback, for demos and tests.

``python -m deployer.sandbox.gcs_server --port P`` prints one line when it is ready and serves until
SIGTERM. What it enforces and what it lacks is said in `deployer.sandbox.gcs`.
"""

import argparse

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.gcs.objects import Buckets
from deployer.sandbox.gcs.routes import GcsApi
from deployer.sandbox.loopback import RunningServer, serve_forever, start_server

__all__ = ["main", "start_gcs_server"]


def start_gcs_server(port: int = 0) -> RunningServer:
    """Serve an empty Cloud Storage on 127.0.0.1 until ``close()``; port 0 takes a free one."""
    return start_server(GcsApi(Buckets(SystemClock())), port=port)


def main() -> None:
    """Serve as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    serve_forever(lambda: start_gcs_server(options.port), "gcs")


if __name__ == "__main__":
    main()
