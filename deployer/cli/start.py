"""The console script: starts the command line without the garbage collector.

What is imported at start is no garbage, and looking for some took 8 % of ``deployer --help``
(measured; `deployer.cli.app` turns it on again before a command runs).
"""

import gc

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    gc.disable()
    from deployer.cli.app import main as run

    run()
