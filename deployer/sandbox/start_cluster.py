"""Starting a local cluster from a process of its own: ``python -m ... FOLDER``.

A cluster's pods inherit the environment it was started with: that is their identity. A process of
its own gives the cluster the sandbox's environment without changing the caller's.
"""

import sys
from pathlib import Path

from deployer.errors import DeployerError
from deployer.providers.local.lifecycle import start_cluster

__all__ = ["main"]


def main() -> None:
    """Start the cluster of the folder named first; one sentence on stderr when it can't."""
    try:
        start_cluster(Path(sys.argv[1]))
    except DeployerError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
