"""`deployer sandbox`: it comes up, it survives the command, it goes without a trace."""

from typing import Any

from deployer.providers.local.processes import find_marked
from deployer.sandbox.servers import MARKER


def test_a_sandbox_survives_its_command_and_leaves_no_process_when_stopped(shell: Any) -> None:
    place = shell.folder / "sand box"
    try:
        up = shell.run("sandbox", "up", "gcp", "--dir", "sand box")
        assert "Next: source 'sand box/env'" in up.err
        status = shell.run("sandbox", "status", "--dir", "sand box", "-o", "json").json
        assert status["schema"] == "deployer/sandbox/v1"
        assert [one["state"] for one in status["clouds"]] == ["down", "healthy", "down"]
        assert list(find_marked(MARKER, f"{place}:"))
        source = "source 'sand box/env' && deployer push model gs://deployer-sandbox"
        (shell.folder / "model").write_text("x")
        pushed = shell.start("-c", source, program=("bash",)).finish()
        assert pushed.out.startswith("gs://deployer-sandbox/artifacts/sha256/"), pushed.err
    finally:
        shell.run("sandbox", "down", "--dir", "sand box")
    assert not list(find_marked(MARKER, f"{place}:"))
