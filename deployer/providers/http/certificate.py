"""A pool of connections that remembers the certificates it accepted."""

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployer.ports import Certificate

if TYPE_CHECKING:
    import urllib3

__all__ = ["open_pool"]


def open_pool(met: list[Certificate]) -> "urllib3.PoolManager":
    """Return a pool for one connection at a time; each certificate it verified goes to ``met``."""
    import urllib3
    from urllib3.connection import HTTPSConnection

    class Connection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            held = self.sock.getpeercert() if isinstance(self.sock, ssl.SSLSocket) else None
            if held:
                met.append(Certificate(_moment(held["notBefore"]), _moment(held["notAfter"])))

    class Pool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Connection

    pool = urllib3.PoolManager(num_pools=1, maxsize=1)
    pool.pool_classes_by_scheme = {**pool.pool_classes_by_scheme, "https": Pool}
    return pool


def _moment(text: object) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(text)), UTC)
