"""Trouble that is no fault of one request: clocks, regions, disks, sources and neighbours."""

import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployer.artifact import (
    Artifact,
    has_artifact,
    pull_artifact,
    push_artifact,
    scan_artifact,
    verify_artifact,
)
from deployer.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    DeployerError,
    SetupError,
    SourceError,
)
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.faults import Fault
from tests.faults.stores import LIMITS

CLOUDS = ["s3", "gcs", "blob"]
each_cloud = pytest.mark.parametrize("cloud", CLOUDS)


def read(place: Any, key: str) -> bytes:
    return b"".join(place.store.stream(key))


class ShiftedClock(SystemClock):
    """A clock that is an hour ahead of everybody."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


@pytest.fixture
def small_files_only() -> Iterator[Callable[[int], None]]:
    """Limit the size of files, as a disk that is full does; lifted afterwards."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@each_cloud
def test_a_source_that_changes_meanwhile_publishes_nothing(place: Any, model: Artifact) -> None:
    weights = model.root / "weights"
    body = weights.read_bytes()
    changed: list[int] = []

    def change(_count: int) -> None:
        if not changed:
            changed.append(1)
            weights.write_bytes(body[:-1] + b"?")

    with pytest.raises(SourceError, match="changed"):
        push_artifact(model, place.store, progress=change)
    assert not has_artifact(place.again(), model.digest)
    assert not [info for info in place.again().list() if info.key.endswith("/weights")]


@each_cloud
def test_two_pushes_of_one_artifact_both_succeed(place: Any, model: Artifact) -> None:
    with ThreadPoolExecutor(2) as pool:
        pushes = [pool.submit(push_artifact, model, place.again()) for _ in range(2)]
        uris = {push.result().uri for push in pushes}
    assert len(uris) == 1
    assert verify_artifact(place.store, model.digest, deep=True).good


@each_cloud
def test_of_two_contents_under_one_name_one_is_kept_whole(
    place: Any, model: Artifact, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(bytes(len((model.root / "weights").read_bytes())))
    sources = [model.root / "weights", other]

    def put(source: Path) -> bool:
        try:
            place.again().put_file("name", source, if_absent=True)
        except (AlreadyExistsError, DeployerError):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(put, sources))
    found = b"".join(place.store.stream("name"))
    winners = [source for source, won in zip(sources, done, strict=True) if won]
    assert found in [source.read_bytes() for source in winners]
    assert len(winners) == 1
    assert [info.key for info in place.store.list()] == ["name"]


@each_cloud
@pytest.mark.parametrize("if_absent", [True, False])
def test_contents_that_begin_alike_never_mix(
    place: Any, model: Artifact, tmp_path: Path, if_absent: bool
) -> None:
    body = (model.root / "weights").read_bytes()
    other = tmp_path / "other"
    other.write_bytes(body[:-1] + b"?")
    came: list[int] = []

    def come_between(_count: int) -> None:
        if not came:
            came.append(1)
            place.again().put_file("name", other, if_absent=if_absent)

    put = partial(place.store.put_file, "name", model.root / "weights", progress=come_between)
    if if_absent:
        with pytest.raises(AlreadyExistsError):
            put(if_absent=True)
    else:
        put()
    assert read(place, "name") == (other.read_bytes() if if_absent else body)
    assert [info.key for info in place.store.list()] == ["name"]


@pytest.mark.parametrize("cloud", ["gcs"])
def test_what_was_staged_and_never_got_its_name_goes_with_the_next_push(
    place: Any, model: Artifact
) -> None:
    place.server.faults.order(Fault.FORBID, method="POST", part="rewriteTo")
    with pytest.raises(AccessDeniedError):
        push_artifact(model, place.store)
    assert not has_artifact(place.store, model.digest)
    assert [info for info in place.store.list() if info.key.endswith(".uploading")]
    push_artifact(model, place.again())
    assert verify_artifact(place.store, model.digest, deep=True).good


@pytest.mark.parametrize("cloud", ["s3", "blob"])
def test_a_clock_that_differs_is_named(
    start_place: Callable[..., Any], cloud: str, model: Artifact
) -> None:
    place = start_place(cloud, clock=ShiftedClock())
    with pytest.raises((SetupError, AccessDeniedError)) as error:
        push_artifact(model, place.store)
    said = f"{error.value.message} {error.value.hint}"
    assert "clock" in said or "time" in said or "date" in said


def test_a_bucket_in_another_region_is_found(
    start_place: Callable[..., Any], model: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    place = start_place("s3", region="eu-west-1")
    client: Any = boto3.Session().client(
        "s3", endpoint_url=place.server.url, region_name="eu-west-1"
    )
    client.create_bucket(
        Bucket="faults", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    client.close()
    push_artifact(model, place.store)
    assert verify_artifact(place.store, model.digest, deep=True).good


@each_cloud
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_verb_that_is_forbidden_is_named_and_taken_for_nothing_else(
    place: Any, model: Artifact, method: str
) -> None:
    push_artifact(model, place.again())
    place.server.faults.order(Fault.FORBID, method=method, part="weights", times=99)
    key = f"artifacts/sha256/{model.digest.hex}/weights"
    act = partial(place.store.delete, key) if method == "DELETE" else partial(read, place, key)
    with pytest.raises(AccessDeniedError):
        act()
    place.server.faults.clear()
    assert verify_artifact(place.store, model.digest, deep=True).good


@each_cloud
def test_a_full_disk_is_named_and_keeps_what_was_there(
    place: Any, model: Artifact, tmp_path: Path, small_files_only: Callable[[int], None]
) -> None:
    push_artifact(model, place.store)
    folder = tmp_path / "to"
    folder.mkdir()
    (folder / "weights").write_bytes(b"old")
    small_files_only(100_000)
    with pytest.raises(SetupError, match="cannot write to"):
        pull_artifact(place.store, model.digest, folder, limits=LIMITS)
    assert (folder / "weights").read_bytes() == b"old"


@each_cloud
def test_a_file_replaced_half_way_is_never_mixed(
    place: Any, model: Artifact, tmp_path: Path
) -> None:
    push_artifact(model, place.store)
    other = place.again()
    key = f"artifacts/sha256/{model.digest.hex}/weights"
    replaced: list[int] = []

    def replace(_count: int) -> None:
        if not replaced:
            replaced.append(1)
            other.put(key, bytes(model.size))

    with pytest.raises(DeployerError):
        pull_artifact(place.store, model.digest, tmp_path / "to", limits=LIMITS, progress=replace)
    assert not (tmp_path / "to" / "weights").exists()


@each_cloud
def test_names_that_stores_can_hold_come_back_as_they_were(place: Any, tmp_path: Path) -> None:
    names = ["a b", "ü~+%?#&=.txt", "x/€/\U0001f600", "-", "per%20cent", "semi;colon'quote"]
    folder = tmp_path / "odd"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    artifact = scan_artifact(folder)
    push_artifact(artifact, place.store)
    pull_artifact(place.again(), artifact.digest, tmp_path / "back")
    assert scan_artifact(tmp_path / "back").digest == artifact.digest


@pytest.mark.parametrize("cloud", ["s3", "blob"])
def test_over_tls_it_is_the_same(
    start_place: Callable[..., Any],
    cloud: str,
    model: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = start_place(cloud, tls=True)
    trust = tmp_path / "ca.pem"
    trust.write_bytes(place.server.authority)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(trust))
    place.cloud.make_bucket(place.server.url)
    place.server.faults.order(Fault.CORRUPT_REQUEST, method="PUT", part="weights")
    push_artifact(model, place.store)
    place.server.faults.order(Fault.RESET_RESPONSE, method="GET", part="weights")
    pull_artifact(place.again(), model.digest, tmp_path / "to", limits=LIMITS)
    assert scan_artifact(tmp_path / "to").digest == model.digest
