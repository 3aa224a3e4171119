"""moto's server as a process of its own."""

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

__all__ = ["run_moto"]


@contextlib.contextmanager
def run_moto() -> Iterator[str]:
    """Yield the URL of a server that knows nothing yet.

    What it logs is read all the time: a server whose log nobody reads stands still after 64 KiB.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = (re.search(r"http://[\d.:]+", line) for line in process.stderr)
        url = next(one[0] for one in found if one)
        reader = threading.Thread(target=process.stderr.read, daemon=True)
        reader.start()
        yield url
    finally:
        process.kill()
        process.wait()
    reader.join()
    process.stderr.close()
