"""Pushes and pulls in processes that can be killed: forked from one that has the SDKs loaded.

Reads one JSON order a line from stdin, answers with the child's process id, and with its exit
status when it has ended; SIGKILL shows as a negative one. Ends with its stdin.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import azure.storage.blob  # noqa: F401 - loaded once, for all children
import boto3  # noqa: F401 - the same
from google.cloud.storage import Client  # noqa: F401 - the same

from deployer.artifact import pull_artifact, push_artifact, scan_artifact
from deployer.providers.aws.connect import connect_store as connect_s3
from deployer.providers.azure.connect import connect_store as connect_blob
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.providers.local.clock import SystemClock
from deployer.transfer import Limits
from deployer.values import Digest

CONNECT = {"s3": connect_s3, "gs": connect_gcs, "az": connect_blob}


def move(order: dict[str, Any]) -> None:
    """Do one order: ``push`` or ``pull``."""
    connect = CONNECT[order["url"].partition(":")[0]]
    limits = Limits(part_bytes=order["part"], range_bytes=order["part"], workers=order["workers"])
    store = connect(order["url"], clock=SystemClock(), endpoint=order["endpoint"], limits=limits)
    path = Path(order["path"])
    if order["verb"] == "push":
        push_artifact(scan_artifact(path), store)
    else:
        pull_artifact(store, Digest(order["digest"]), path, limits=limits)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = 1
            try:
                move(json.loads(line))
                status = 0
            finally:
                os._exit(status)
        print(child, flush=True)  # noqa: T201 - the answer
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
