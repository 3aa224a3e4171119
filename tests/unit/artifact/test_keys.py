import pytest

from deployer.artifact.keys import (
    artifact_uri,
    check_digest,
    check_key,
    check_paths,
    file_key,
    marker_key,
    split_uri,
)
from deployer.errors import SourceError
from deployer.values import Digest

DIGEST = Digest("ab" * 32)


def test_keys_are_under_the_digest() -> None:
    assert file_key(DIGEST, "a/b") == f"artifacts/sha256/{DIGEST.hex}/a/b"
    assert marker_key(DIGEST) == f"artifacts/sha256/{DIGEST.hex}/.manifest.json"


@pytest.mark.parametrize("url", ["s3://bucket", "gs://bucket/some/prefix", "file:///srv/models"])
def test_a_uri_is_split_as_it_was_made(url: str) -> None:
    assert split_uri(artifact_uri(url, DIGEST)) == (url, DIGEST)
    assert split_uri(artifact_uri(url, DIGEST) + "/") == (url, DIGEST)


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/artifacts/sha256/abc", ""])
def test_what_is_no_uri_of_an_artifact_is_refused(uri: str) -> None:
    with pytest.raises(SourceError, match="not the URI of an artifact"):
        split_uri(uri)


def test_a_digest_has_to_be_the_one_of_the_uri() -> None:
    check_digest(DIGEST, None)
    check_digest(DIGEST, str(DIGEST))
    check_digest(DIGEST, DIGEST.hex)
    with pytest.raises(SourceError, match="not of sha256:cdcd"):
        check_digest(DIGEST, "sha256:" + "cd" * 32)
    with pytest.raises(SourceError, match="not a sha256"):
        check_digest(DIGEST, "latest")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/absolute", "empty"),
        ("a//b", "empty"),
        ("a/", "empty"),
        ("", "empty"),
        ("../up", "dot"),
        ("a/../b", "dot"),
        ("./a", "dot"),
        ("model.", "dot"),
        ("a\\b", "backslash"),
        ("C:\\model", "backslash"),
        ("line\nbreak", "control"),
        ("nul\0", "control"),
        ("del\x7f", "control"),
        ("lone\udc80", "not UTF-8"),
        (".manifest.json", "manifest"),
        ("a/" * 254 + "b", "254 deep"),
    ],
)
def test_a_path_some_store_cannot_hold_is_refused(path: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        check_paths([path])


@pytest.mark.parametrize(
    "paths",
    [
        ["Model.bin", "model.bin"],
        ["a/B/c", "a/b/d"],
        ["stra\u00dfe", "strasse"],
        ["caf\u00e9", "cafe\u0301"],
        ["data", "DATA/x"],
        ["a", "a/b"],
    ],
)
def test_paths_that_are_one_on_some_file_system_are_refused(paths: list[str]) -> None:
    with pytest.raises(SourceError, match="are one where case does not count"):
        check_paths(paths)


def test_ordinary_paths_stand_side_by_side() -> None:
    check_paths(["a/b", "a/c", "ab", ".hidden", "sub/.manifest.json", "模型/权重.bin", "x y+z=1%"])


def test_a_key_may_have_1024_bytes_with_the_prefix() -> None:
    check_key("s3://bucket/pre", "k" * 1020)
    with pytest.raises(SourceError, match="1025 bytes"):
        check_key("s3://bucket/pre", "k" * 1021)
    with pytest.raises(SourceError, match="stores take 1024"):
        check_key("s3://bucket/pre", "é" * 511)
