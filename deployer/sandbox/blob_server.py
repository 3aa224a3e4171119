"""Azure Blob Storage on loopback, for demos and tests.

``python -m deployer.sandbox.blob_server --port P`` prints one line when it is ready and serves
until SIGTERM. What it enforces and what it lacks is said in `deployer.sandbox.blob`.
"""

import argparse

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob.routes import BlobApi
from deployer.sandbox.loopback import RunningServer, serve_forever, start_server

__all__ = ["main", "start_blob_server"]


def start_blob_server(
    port: int = 0, account: str = DEVELOPMENT_ACCOUNT, key: str = DEVELOPMENT_KEY
) -> RunningServer:
    """Serve an empty storage account on 127.0.0.1 until ``close()``; port 0 takes a free one.

    The URL ends in the account's name, as the emulators' do.
    """
    return start_server(BlobApi(account, key, SystemClock()), port=port, path=f"/{account}")


def main() -> None:
    """Serve as a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    serve_forever(lambda: start_blob_server(options.port), "blob")


if __name__ == "__main__":
    main()
