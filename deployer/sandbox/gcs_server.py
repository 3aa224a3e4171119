"""Google Cloud Storage on loopback, for demos and tests.

``python -m deployer.sandbox.gcs_server --port P [--tls FILE]`` prints one line when it is ready and
serves until SIGTERM. What it enforces and what it lacks is said in `deployer.sandbox.gcs`.
"""

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.gcs.multipart import SMALLEST_PART
from deployer.sandbox.gcs.objects import Buckets
from deployer.sandbox.gcs.refusal import refuse_as_ordered
from deployer.sandbox.gcs.routes import GcsApi
from deployer.sandbox.loopback import RunningServer, start_server
from deployer.sandbox.program import run_server

__all__ = ["main", "start_gcs_server"]


def start_gcs_server(
    port: int = 0, *, tls: bool = False, smallest_part: int = SMALLEST_PART
) -> RunningServer:
    """Serve an empty Cloud Storage on 127.0.0.1 until ``close()``; port 0 takes a free one.

    ``smallest_part`` is in bytes, of the XML API's multipart uploads.
    """
    app = GcsApi(Buckets(SystemClock()), smallest_part=smallest_part)
    return start_server(app, port=port, refuse=refuse_as_ordered, tls=tls)


def main() -> None:
    """Serve as a process."""
    run_server("gcs", start_gcs_server, __doc__)


if __name__ == "__main__":
    main()
