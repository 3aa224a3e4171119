"""What `open_source` makes of the ways to say where a model is."""

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.artifact import push_artifact, scan_artifact
from deployer.errors import IntegrityError, NotFoundError, SetupError, SourceError, TransientError
from deployer.sandbox.faults import Fault
from deployer.sandbox.loopback import Request, Response, RunningServer, start_server
from deployer.sources import open_source
from deployer.values import Digest
from deployer.wiring import open_store


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("model.bin")
        info.size = 7
        tar.addfile(info, io.BytesIO(b"weights"))
    return packed.getvalue()


ARCHIVE = archive()
FILES = {"/files/model.tar.gz": ARCHIVE, "/files/model%20two.onnx": b"onnx"}


def serve(request: Request) -> Response:
    if request.path == "/away":
        return Response(302, headers={"Location": "http://example.invalid/model.bin"})
    body = FILES.get(request.path)
    return Response(404) if body is None else Response(200, body)


@pytest.fixture
def web() -> Iterator[RunningServer]:
    server = start_server(serve)
    yield server
    server.close()


def digest_of(body: bytes) -> Digest:
    return Digest(hashlib.sha256(body).hexdigest())


def names(folder: Path) -> list[str]:
    return [file.path for file in scan_artifact(folder).files]


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    with open_source(str(tmp_path)) as found:
        assert found == tmp_path


def test_an_archive_is_unpacked_for_as_long_as_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(ARCHIVE)
    with open_source(str(tmp_path / "model.tar.gz")) as found:
        assert names(found) == ["model.bin"]
    assert not found.exists()


def test_a_file_on_the_web_is_proven_by_its_digest(web: RunningServer) -> None:
    url = f"{web.url}/files/model.tar.gz"
    with open_source(url, digest=digest_of(ARCHIVE)) as found:
        assert names(found) == ["model.bin"]
    with open_source(f"{web.url}/files/model%20two.onnx", digest=digest_of(b"onnx")) as found:
        assert names(found) == ["model two.onnx"]


def test_a_file_on_the_web_without_its_digest_is_refused(web: RunningServer) -> None:
    with pytest.raises(SourceError, match="needs a digest"), open_source(f"{web.url}/files/x"):
        pass
    assert web.traffic.seen() == []


def test_another_file_than_was_promised_is_refused(web: RunningServer) -> None:
    web.faults.order(Fault.CORRUPT_RESPONSE)
    url = f"{web.url}/files/model.tar.gz"
    with pytest.raises(IntegrityError), open_source(url, digest=digest_of(ARCHIVE)):
        pass


@pytest.mark.parametrize(
    ("path", "fault", "error"),
    [
        ("/files/none", None, NotFoundError),
        ("/files/model.tar.gz", Fault.REFUSE, TransientError),
        ("/files/model.tar.gz", Fault.CUT_RESPONSE, TransientError),
        ("/away", None, SetupError),
    ],
)
def test_a_web_server_in_trouble_is_named(
    web: RunningServer, path: str, fault: Fault | None, error: type[Exception]
) -> None:
    if fault is not None:
        web.faults.order(fault, times=9)
    with pytest.raises(error), open_source(web.url + path, digest=digest_of(ARCHIVE)):
        pass


def test_nothing_is_fetched_in_the_clear() -> None:
    url = "http://models.example/model.tar.gz?token=secret"
    source = open_source(url, digest=digest_of(ARCHIVE))
    with pytest.raises(SetupError, match="not HTTPS") as error, source:
        pass
    assert "secret" not in error.value.message


def test_an_artifact_is_pulled_and_objects_are_fetched(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights").write_bytes(b"weights")
    store = open_store(f"file://{tmp_path}/store")
    uri = push_artifact(scan_artifact(model), store).uri
    with open_source(uri) as found:
        assert names(found) == ["weights"]
    (tmp_path / "plain" / "sub").mkdir(parents=True)
    (tmp_path / "plain" / "sub" / "part").write_bytes(b"1")
    with open_source(f"file://{tmp_path}/plain") as found:
        assert names(found) == ["sub/part"]
