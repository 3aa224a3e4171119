from pathlib import Path

from deployer.providers.local.supervisor.logs import read_end, rotate


def test_the_end_of_a_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert read_end(log, 3) == ""
    log.write_text("".join(f"{n}\n" for n in range(50_000)))
    assert read_end(log, 2) == "49998\n49999"


def test_a_long_log_is_rotated_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 10)
        rotate(log, max_bytes=1000)
        assert read_end(log, 1) == "old"
        rotate(log, max_bytes=10)
        writer.write(b"new\n")
    assert log.read_text() == "new\n"
    assert (tmp_path / "a.log.1").read_text() == "old\n" * 10
