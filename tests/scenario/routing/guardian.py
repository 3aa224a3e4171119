"""Ends what a test's engines left running: `python guardian.py FOLDER`, once its input ends.

Engines outlive the process that steers them, so a test that is killed could not end them itself.
"""

import os
import signal
import sys
import threading
from pathlib import Path


def end(file: Path) -> None:
    pid = int(file.read_text())
    program = Path(f"/proc/{pid}/cmdline")
    if not _is_of(program, file.parent):
        return
    os.kill(pid, signal.SIGTERM)
    pause = threading.Event()
    while _is_of(program, file.parent):
        pause.wait(0.02)


def _is_of(program: Path, folder: Path) -> bool:
    try:
        return str(folder).encode() in program.read_bytes()
    except OSError:
        return False


sys.stdin.read()
for path in Path(sys.argv[1]).rglob("*.pid"):
    end(path)
