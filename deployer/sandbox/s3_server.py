"""Amazon S3 on loopback, for demos and tests.

``python -m deployer.sandbox.s3_server --port P [--tls FILE]`` prints one line when it is ready and
serves until SIGTERM. What it enforces and what it lacks is said in `deployer.sandbox.s3`.
"""

from deployer.ports.clock import Clock
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.loopback import RunningServer, start_server
from deployer.sandbox.program import run_server
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3.multipart import SMALLEST_PART
from deployer.sandbox.s3.refusal import refuse_as_ordered
from deployer.sandbox.s3.routes import S3Api
from deployer.sandbox.s3.signature import SignatureV4

__all__ = ["main", "start_s3_server"]


def start_s3_server(
    port: int = 0,
    *,
    tls: bool = False,
    clock: Clock | None = None,
    region: str = "us-east-1",
    smallest_part: int = SMALLEST_PART,
    forgetful: bool = False,
) -> RunningServer:
    """Serve an empty S3 on 127.0.0.1 until ``close()``.

    Args:
        port: 0 takes a free one.
        tls: Over TLS, where the SDKs send checksums as trailers.
        clock: What requests' dates are judged by.
        region: Of new buckets that name none.
        smallest_part: In bytes, of a multipart upload's parts but the last.
        forgetful: Whether a repeated completion finds no upload, as MinIO's does.
    """
    now = clock or SystemClock()
    signature = SignatureV4(ACCESS_KEY, SECRET_KEY, now)
    app = S3Api(signature, now, region=region, smallest_part=smallest_part, forgetful=forgetful)
    return start_server(app, port=port, refuse=refuse_as_ordered, tls=tls)


def main() -> None:
    """Serve as a process."""
    run_server("s3", start_s3_server, __doc__)


if __name__ == "__main__":
    main()
