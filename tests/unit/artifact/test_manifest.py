import json
from typing import Any

import pytest

from deployer.artifact.keys import marker_key
from deployer.artifact.manifest import decode_manifest, encode_manifest, fetch_manifest
from deployer.artifact.model import ArtifactFile, digest_files
from deployer.errors import IntegrityError, NotFoundError, StateError
from deployer.providers.local.memory import MemoryStore

FILES = (ArtifactFile("a", 1, "0" * 64), ArtifactFile("b/c", 2, "f" * 64))
DIGEST = digest_files(FILES)


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert decode_manifest(encode_manifest(FILES), DIGEST, where="here") == FILES


def test_a_manifest_says_its_schema_and_total() -> None:
    document = json.loads(encode_manifest(FILES))
    assert (document["schema"], document["total"]) == (1, 3)


def test_the_manifest_of_another_artifact_is_refused() -> None:
    with pytest.raises(IntegrityError, match="is the manifest of"):
        decode_manifest(encode_manifest(FILES[:1]), DIGEST, where="here")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"schema":1}',
        b'{"schema":1,"files":[{"path":"a"}]}',
        b'{"schema":1,"files":[{"path":1,"size":1,"sha256":"' + b"0" * 64 + b'"}]}',
        b'{"schema":1,"files":[{"path":"a","size":1,"sha256":"x"}]}',
        b"\xff",
    ],
)
def test_a_damaged_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(IntegrityError, match="damaged"):
        decode_manifest(body, DIGEST, where="here")


def test_a_newer_manifest_asks_for_an_upgrade() -> None:
    with pytest.raises(StateError, match="newer deployer"):
        decode_manifest(b'{"schema":2,"files":[]}', DIGEST, where="here")


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a\\b"])
def test_a_path_that_leads_out_is_refused_even_with_the_right_digest(path: str) -> None:
    files = (ArtifactFile(path, 1, "0" * 64),)
    with pytest.raises(IntegrityError, match="must not be"):
        decode_manifest(encode_manifest(files), digest_files(files), where="here")


def test_an_artifact_without_a_marker_is_not_there(store: MemoryStore) -> None:
    with pytest.raises(NotFoundError, match="there is no artifact") as caught:
        fetch_manifest(store, DIGEST)
    assert "deployer push" in str(caught.value.hint)


def test_a_manifest_is_found_under_its_digest(store: MemoryStore) -> None:
    store.put(marker_key(DIGEST), encode_manifest(FILES))
    found: Any = fetch_manifest(store, DIGEST)
    assert found == FILES
