from pathlib import Path

from deployer.sandbox.processes import ProcessRecord
from deployer.sandbox.state import CLOUDS, CloudState, SandboxFolder, SandboxState, with_ports
from deployer.values import Cloud


def test_a_port_once_given_is_kept() -> None:
    state = SandboxState(clouds={Cloud.GCP: CloudState(port=1234)})
    first = with_ports(state)
    assert set(first.clouds) == set(CLOUDS)
    assert first.clouds[Cloud.GCP].port == 1234
    assert len({cloud.port for cloud in first.clouds.values()}) == 3
    assert with_ports(first) == first


def test_the_state_reads_what_it_wrote(tmp_path: Path) -> None:
    folder = SandboxFolder(tmp_path / "sandbox")
    server = ProcessRecord(pid=1, started=2)
    state = SandboxState(clouds={Cloud.AWS: CloudState(port=1, server=server)})
    with folder.locked():
        assert folder.read() == SandboxState()
        folder.write(state)
        assert folder.read() == state
