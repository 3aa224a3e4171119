import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.artifact.archive import is_archive, unpack_archive
from deployer.errors import SourceError

FILES = {"model.bin": b"weights" * 10_000, "sub/config.json": b"{}"}


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with tarfile.open(path, "w") as archive:
            for info, body in members:
                info.size = len(body)
                archive.addfile(info, io.BytesIO(body))

    return write


def file_named(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), b"x"


def special(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info, b""


def content_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        (".tar", bytes),
        (".tar.gz", gzip.compress),
        (".tgz", gzip.compress),
        (".tar.bz2", bz2.compress),
        (".tar.xz", lzma.compress),
    ],
)
def test_a_tar_is_unpacked_whatever_packed_it(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    plain, path = tmp_path / "plain", tmp_path / f"model{suffix}"
    tar_of(*((tarfile.TarInfo(f"./{name}"), body) for name, body in FILES.items()))(plain)
    path.write_bytes(pack(plain.read_bytes()))
    assert is_archive(path.name)
    unpack_archive(path, tmp_path / "to")
    assert content_of(tmp_path / "to") == FILES


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in FILES.items():
            archive.writestr(name, body)
    unpack_archive(path, tmp_path / "to")
    assert content_of(tmp_path / "to") == FILES


def test_formats_that_are_zips_inside_are_left_whole() -> None:
    assert not any(map(is_archive, ["model.keras", "model.mar", "model.pt", "model.nemo"]))


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (tar_of(file_named("../outside")), "can't be an object's name"),
        (tar_of(file_named("/absolute")), "can't be an object's name"),
        (tar_of(file_named("a/../../outside")), "can't be an object's name"),
        (tar_of(special("link", tarfile.SYMTYPE)), "neither a file nor a folder"),
        (tar_of(special("link", tarfile.LNKTYPE)), "neither a file nor a folder"),
        (tar_of(special("device", tarfile.CHRTYPE)), "neither a file nor a folder"),
        (tar_of(file_named("a"), file_named("./a")), "twice"),
        (tar_of(file_named("a"), file_named("A")), "case does not count"),
        (lambda path: path.write_bytes(b"no archive at all" * 100), "cannot be unpacked"),
    ],
)
def test_what_leads_outside_or_cannot_be_held_is_refused(
    tmp_path: Path, write: Callable[[Path], object], why: str
) -> None:
    path = tmp_path / "deep" / "model.tar"
    path.parent.mkdir()
    write(path)
    with pytest.raises(SourceError, match=why):
        unpack_archive(path, tmp_path / "deep" / "to")
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "deep" / "outside").exists()


def test_a_zip_that_leads_outside_or_links_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    for name, why in ((zipfile.ZipInfo("../outside"), "object's name"), (link, "neither")):
        path = tmp_path / "model.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "/etc/passwd")
        with pytest.raises(SourceError, match=why):
            unpack_archive(path, tmp_path / "to")
    assert not (tmp_path / "outside").exists()


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("model.bin")
        info.size = 100_000
        archive.addfile(info, io.BytesIO(bytes(range(250)) * 400))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SourceError, match=r"model.tar.gz cannot be unpacked"):
        unpack_archive(path, tmp_path / "to")
