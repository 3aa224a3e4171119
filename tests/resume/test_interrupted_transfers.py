"""An interrupt in the middle of a push: nothing is visible, what is left is said and taken up."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from deployer.artifact import has_artifact, push_artifact, scan_artifact
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.faults import Fault

PART = 64 << 10
PARTS = 20
PUSH = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mover import move
try:
    move(json.loads(sys.argv[2]))
except KeyboardInterrupt as interrupt:
    print(*interrupt.__notes__)
    sys.exit(130)
"""


def test_an_interrupted_push_shows_nothing_and_says_what_is_left(
    place: Any, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(os.urandom(PART * PARTS))
    artifact = scan_artifact(tmp_path / "model")
    place.server.faults.order(Fault.DELAY, method="PUT", part="weights", times=99, seconds=0.3)
    order = {"verb": "push", "path": str(artifact.root), "url": place.url("interrupted")}
    order |= {"endpoint": place.server.url, "part": PART, "workers": 2}
    with subprocess.Popen(
        [sys.executable, "-c", PUSH, str(Path(__file__).parent), json.dumps(order)],
        stdout=subprocess.PIPE,
        text=True,
    ) as push:
        clock = SystemClock()
        while place.moved("PUT", "weights") < 4 * PART:
            assert push.poll() is None
            clock.sleep(0.02)
        push.send_signal(signal.SIGINT)
        told, _ = push.communicate(timeout=30)
    assert push.returncode == 130
    assert "are in the store, invisible; the next try goes on with them" in told
    place.server.faults.clear()
    store = place.open("interrupted")
    assert not has_artifact(store, artifact.digest)
    assert list(store.list()) == []
    before = place.moved("PUT", "weights")
    push_artifact(artifact, store)
    assert place.moved("PUT", "weights") - before <= (PARTS - 4) * PART
