"""Two pushes of one artifact to Cloud Storage, where each step of the one meets the other's."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from deployer.artifact import Artifact, push_artifact, verify_artifact
from deployer.providers.gcp.connect import connect_store
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.gcs.objects import Buckets
from deployer.sandbox.gcs.routes import GcsApi
from deployer.sandbox.loopback import Request, Response, start_server
from tests.faults.stores import open_store


class Twin:
    """A service where somebody does something just before the first request of a kind."""

    def __init__(self) -> None:
        self.api = GcsApi(Buckets(SystemClock()), smallest_part=1)
        self.waits_for = ""
        self.act: Callable[[Request], None] = lambda _request: None

    def __call__(self, request: Request) -> Response:
        wanted = self.waits_for
        if wanted and request.method == "POST" and wanted in f"{request.path}?{[*request.query]}":
            self.waits_for = ""
            self.act(request)
        return self.api(request)

    def stage_anew(self, rename: Request) -> None:
        """Complete an upload of the same bytes: what is staged gets another generation."""
        staged = rename.path.partition("/rewriteTo")[0]
        path = f"{staged}/rewriteTo{staged.removeprefix('/storage/v1')}"
        assert self.api(replace(rename, path=path, query={}, body=b"{}")).status == 200

    def rename_first(self, rename: Request) -> None:
        """Give what is staged its key, and clear up."""
        staged = rename.path.partition("/rewriteTo")[0]
        assert self.api(rename).status == 200
        assert self.api(Request("DELETE", staged, {}, {})).status == 204

    def complete_first(self, completion: Request) -> None:
        """Complete the upload that both go on with, and go no further yet."""
        assert self.api(completion).status == 200


@pytest.fixture
def twin() -> Twin:
    return Twin()


@pytest.fixture
def store(twin: Twin) -> Iterator[Any]:
    server = start_server(twin)
    store: Any = open_store(connect_store, "gs://twins", server.url, 4.0)
    store._bucket._client().create_bucket("twins")
    yield store
    server.close()


@pytest.mark.parametrize(
    ("before", "act"),
    [
        ("rewriteTo", "stage_anew"),
        ("rewriteTo", "rename_first"),
        ("uploadId", "complete_first"),
    ],
)
def test_a_twin_a_step_ahead_leads_to_the_same(
    twin: Twin, store: Any, models: Artifact, before: str, act: str
) -> None:
    twin.waits_for, twin.act = before, getattr(twin, act)
    push_artifact(models, store)
    assert twin.waits_for == ""
    assert verify_artifact(store, models.digest, deep=True).good
    assert len(list(store.list())) == 3
