"""Azure Blob Storage on loopback, for demos and tests.

``python -m deployer.sandbox.blob_server --port P [--tls FILE]`` prints one line when it is ready
and serves until SIGTERM. What it enforces and what it lacks is said in `deployer.sandbox.blob`.
"""

from deployer.ports.clock import Clock
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob.refusal import refuse_as_ordered
from deployer.sandbox.blob.routes import BlobApi
from deployer.sandbox.blob.tokens import BearerTokens
from deployer.sandbox.loopback import RunningServer, start_server
from deployer.sandbox.program import run_server

__all__ = ["main", "start_blob_server"]


def start_blob_server(
    port: int = 0,
    account: str = DEVELOPMENT_ACCOUNT,
    key: str = DEVELOPMENT_KEY,
    *,
    tls: bool = False,
    clock: Clock | None = None,
    tokens: BearerTokens | None = None,
) -> RunningServer:
    """Serve an empty storage account on 127.0.0.1 until ``close()``; port 0 takes a free one.

    The URL ends in the account's name, as the emulators' do. ``clock`` is what requests' dates are
    judged by; ``tokens`` may be used in place of the key.
    """
    app = BlobApi(account, key, clock or SystemClock(), tokens=tokens)
    return start_server(app, port=port, path=f"/{account}", refuse=refuse_as_ordered, tls=tls)


def main() -> None:
    """Serve as a process."""
    run_server("blob", start_blob_server, __doc__)


if __name__ == "__main__":
    main()
