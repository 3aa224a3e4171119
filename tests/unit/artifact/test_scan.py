import hashlib
import itertools
import os
import shutil
import threading
from pathlib import Path

import pytest

from deployer.artifact import scan_artifact
from deployer.artifact.scan import _list_folder
from deployer.errors import SourceError


def test_a_folder_becomes_its_files_in_the_byte_order_of_their_paths(model: Path) -> None:
    artifact = scan_artifact(model)
    assert [file.path for file in artifact.files] == [
        "config.json",
        "weights/0.bin",
        "weights/empty",
    ]
    assert artifact.files[1].sha256 == hashlib.sha256(b"weights" * 1000).hexdigest()
    assert artifact.size == 7002
    assert artifact.root == model


def test_a_single_file_keeps_its_name(model: Path) -> None:
    artifact = scan_artifact(model / "config.json")
    assert [file.path for file in artifact.files] == ["config.json"]
    assert artifact.root == model


def test_a_link_to_a_single_file_is_named_as_it_was_asked_for(model: Path, tmp_path: Path) -> None:
    (tmp_path / "current.json").symlink_to(model / "config.json")
    artifact = scan_artifact(tmp_path / "current.json")
    assert [file.path for file in artifact.files] == ["current.json"]
    assert (artifact.root / "current.json").read_bytes() == b"{}"


def test_the_digest_is_of_the_content_alone(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(model, copy)
    os.utime(copy / "config.json", (0, 0))
    assert scan_artifact(copy).digest == scan_artifact(model).digest
    (copy / "config.json").write_bytes(b"[]")
    assert scan_artifact(copy).digest != scan_artifact(model).digest


def test_the_digest_of_a_known_tree_never_changes(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    document = f'[{{"path":"m","sha256":"{sha256}","size":3}}]'.encode()
    assert scan_artifact(tmp_path / "m").digest.hex == hashlib.sha256(document).hexdigest()


def test_a_renamed_file_is_another_artifact(model: Path) -> None:
    before = scan_artifact(model).digest
    (model / "config.json").rename(model / "settings.json")
    assert scan_artifact(model).digest != before


@pytest.mark.parametrize("files", [{}, {"a": b"", "b/c": b""}])
def test_a_model_without_bytes_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    for name, body in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(body)
    with pytest.raises(SourceError, match="has no model in it"):
        scan_artifact(tmp_path)


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no"):
        scan_artifact(tmp_path / "nothing")


def test_links_inside_the_folder_are_followed(model: Path) -> None:
    (model / "same.json").symlink_to("config.json")
    (model / "more").symlink_to("weights")
    paths = {file.path: file.sha256 for file in scan_artifact(model).files}
    assert paths["same.json"] == paths["config.json"]
    assert paths["more/0.bin"] == paths["weights/0.bin"]


@pytest.mark.parametrize(
    ("target", "why"),
    [("../outside", "leads out"), ("nowhere", "leads nowhere"), ("..", "folder it is in")],
)
def test_a_link_that_leads_astray_is_refused(model: Path, target: str, why: str) -> None:
    (model.parent / "outside").write_bytes(b"secret")
    (model / "weights" / "link").symlink_to(
        target if target == ".." else Path("..") / target if "/" in target else target
    )
    with pytest.raises(SourceError, match=why):
        scan_artifact(model)


def test_a_link_to_itself_is_refused(model: Path) -> None:
    (model / "loop").symlink_to("loop")
    with pytest.raises(SourceError, match="nowhere"):
        scan_artifact(model)


def test_what_is_no_file_is_refused(model: Path) -> None:
    os.mkfifo(model / "pipe")
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        scan_artifact(model)


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(SourceError, match=r"cannot read /proc/.*Input/output"):
        scan_artifact(Path("/proc/self/mem"))  # opens, and fails at the first read


def test_a_folder_that_goes_away_meanwhile_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        _list_folder(tmp_path / "gone")


def test_a_file_that_is_written_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(32 << 20))
    done = threading.Event()

    def touch() -> None:
        for tick in itertools.count(1):
            if done.is_set():
                return
            os.utime(path, ns=(tick, tick))

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        with pytest.raises(SourceError, match="changed while it was read"):
            scan_artifact(path)
    finally:
        done.set()
        thread.join()


def test_names_a_store_cannot_hold_are_refused(model: Path) -> None:
    (model / "back\\slash").write_bytes(b"x")
    with pytest.raises(SourceError, match="backslash"):
        scan_artifact(model)
