"""A store that lets everything be done but listed: what needs no list goes on, the rest says so."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import (
    Artifact,
    Place,
    Rules,
    find_garbage,
    has_artifact,
    list_artifacts,
    pull_artifact,
    push_artifact,
    repair_artifact,
    replicate_artifact,
    scan_artifact,
    verify_artifact,
)
from deployer.artifact.fetch import fetch_objects
from deployer.artifact.keys import file_key, marker_key
from deployer.errors import AccessDeniedError
from deployer.ports import ObjectStore, Severity
from deployer.preflight.store import check_store
from deployer.providers.aws.incomplete import connect_uploads as s3_uploads
from deployer.providers.azure.incomplete import connect_uploads as blob_uploads
from deployer.providers.gcp.incomplete import connect_uploads as gcs_uploads
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.faults import Fault
from tests.faults.stores import LIMITS, open_store

LISTING = {
    "s3": ("list-type=2", "s3:ListBucket on faults"),
    "gcs": ("/o?", "storage.objects.list"),
    "blob": ("comp=list", "Storage Blob Data Reader"),
}
UPLOADS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "s3": (s3_uploads, "?uploads", "s3:ListBucketMultipartUploads on faults"),
    "gcs": (gcs_uploads, "?uploads", "storage.multipartUploads.list"),
    "blob": (blob_uploads, "uncommittedblobs", "Storage Blob Data Reader"),
}
RULES = Rules(timedelta(0), 20)
each_cloud = pytest.mark.parametrize("cloud", list(LISTING))


UNFINISHED = {"s3": "?uploads", "gcs": "?uploads", "blob": "blocklisttype=uncommitted"}
"""What says which parts of a file are there already."""


def deny(place: Any, part: str) -> None:
    place.server.faults.order(Fault.FORBID, method="GET", part=part, times=10_000)


def hide(place: Any) -> None:
    """Say 403 of what is not there, as S3 and Cloud Storage do to who may not list."""
    for method in ("GET", "HEAD"):
        place.server.faults.order(Fault.HIDE, method=method, times=10_000)


def first(found: Iterator[Any]) -> Any:
    return next(found, None)


@each_cloud
def test_pushes_pulls_and_copies_go_on(
    place: Any, models: Artifact, cloud: str, tmp_path: Path
) -> None:
    deny(place, LISTING[cloud][0])
    assert push_artifact(models, place.again()).uploaded_bytes == models.size
    assert push_artifact(models, place.again()).uploaded_bytes == 0
    assert has_artifact(place.again(), models.digest)
    pull_artifact(place.again(), models.digest, tmp_path / "to", limits=LIMITS)
    assert scan_artifact(tmp_path / "to").digest == models.digest
    again = replicate_artifact(place.again(), place.again(), models.digest)
    assert again.present_bytes == models.size


@each_cloud
def test_who_may_only_read_and_write_pushes_first_and_again(
    place: Any, models: Artifact, cloud: str, tmp_path: Path
) -> None:
    deny(place, LISTING[cloud][0])
    deny(place, UNFINISHED[cloud])
    hide(place)
    assert push_artifact(models, place.again()).uploaded_bytes == models.size
    assert push_artifact(models, place.again()).uploaded_bytes == 0
    copy = open_store(place.cloud.connect, f"{place.cloud.url}/copy", place.server.url, 6.0)
    assert replicate_artifact(place.again(), copy, models.digest).present_bytes == 0
    pull_artifact(copy, models.digest, tmp_path / "to", limits=LIMITS)
    assert scan_artifact(tmp_path / "to").digest == models.digest


@each_cloud
def test_what_a_killed_push_left_is_found_by_who_may_not_list(
    place: Any, models: Artifact, cloud: str
) -> None:
    push_artifact(models, place.store)
    place.store.delete(marker_key(models.digest))
    place.store.delete(file_key(models.digest, "small"))
    deny(place, LISTING[cloud][0])
    hide(place)
    assert push_artifact(models, place.again()).uploaded_bytes == len(b"small")
    assert has_artifact(place.again(), models.digest)


@each_cloud
def test_who_may_not_write_is_told_so_whatever_else_is_hidden(
    place: Any, models: Artifact, cloud: str
) -> None:
    deny(place, LISTING[cloud][0])
    hide(place)
    for method in ("PUT", "POST"):
        place.server.faults.order(Fault.FORBID, method=method, times=10_000)
    with pytest.raises(AccessDeniedError, match="cannot write"):
        push_artifact(models, place.again())


@each_cloud
def test_a_push_without_its_marker_is_gone_on_with(
    place: Any, models: Artifact, cloud: str
) -> None:
    push_artifact(models, place.store)
    place.store.delete(marker_key(models.digest))
    deny(place, LISTING[cloud][0])
    assert push_artifact(models, place.again()).uploaded_bytes == 0


NEEDY: dict[str, Callable[[ObjectStore, Artifact, Path], object]] = {
    "verify": lambda store, model, _: verify_artifact(store, model.digest),
    "repair": lambda store, model, _: repair_artifact(store, model.digest, [], deep=False),
    "artifacts list": lambda store, _model, _to: first(list_artifacts(store)),
    "gc": lambda store, _model, _to: find_garbage(
        Place(store, None), (), RULES, SystemClock().now()
    ),
    "push from a bucket": lambda store, _model, to: fetch_objects(store, to),
}


@each_cloud
def test_what_lists_says_which_permission_it_lacks(
    place: Any, models: Artifact, cloud: str, tmp_path: Path
) -> None:
    push_artifact(models, place.store)
    part, permission = LISTING[cloud]
    deny(place, part)
    for act in NEEDY.values():
        with pytest.raises(AccessDeniedError) as caught:
            act(place.again(), models, tmp_path)
        assert "list" in caught.value.message
        assert permission in str(caught.value.hint)
    place.server.faults.clear()
    assert verify_artifact(place.store, models.digest).good


@each_cloud
def test_the_doctor_names_listing_alone(place: Any, cloud: str) -> None:
    part, permission = LISTING[cloud]
    deny(place, part)
    (finding,) = check_store(place.again(), SystemClock())
    assert (finding.severity, finding.message.partition(":")[0]) == (Severity.ERROR, "cannot list")
    assert permission in finding.hint


@each_cloud
def test_what_looks_for_unfinished_uploads_says_what_it_lacks(place: Any, cloud: str) -> None:
    connect, part, permission = UPLOADS[cloud]
    deny(place, part)
    uploads = connect(place.cloud.url, clock=SystemClock(), endpoint=place.server.url)
    with pytest.raises(AccessDeniedError) as caught:
        list(uploads.list())
    assert permission in str(caught.value.hint)
