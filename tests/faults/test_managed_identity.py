"""Azure by a managed identity: tokens of a local endpoint, which end in the middle of a push."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from deployer.artifact import (
    Artifact,
    pull_artifact,
    push_artifact,
    replicate_artifact,
    scan_artifact,
    verify_artifact,
)
from deployer.errors import AccessDeniedError
from deployer.ports import ObjectStore, StoreSettings
from deployer.providers.azure.connect import connect_store
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob.tokens import BearerTokens
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.faults import Fault
from deployer.sandbox.loopback import RunningServer, start_server
from tests.faults.stores import LIMITS, open_store

LOGINS = ("AZURE_STORAGE_", "AZURE_CLIENT_", "AZURE_TENANT_", "AZURE_FEDERATED_", "AZURE_TOKEN_")


@dataclass
class Rig:
    tokens: BearerTokens
    server: RunningServer

    def open(self, prefix: str = "", settings: StoreSettings | None = None) -> ObjectStore:
        url = f"az://models/{prefix}"
        return open_store(connect_store, url, self.server.url, 4.0, settings=settings)


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    for name in [name for name in os.environ if name.startswith(LOGINS)]:
        monkeypatch.delenv(name)
    tokens = BearerTokens(SystemClock())
    server, endpoint = start_blob_server(tls=True, tokens=tokens), start_server(tokens)
    (tmp_path / "ca.pem").write_bytes(server.authority)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{endpoint.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", tokens.header)
    key = {"account_name": DEVELOPMENT_ACCOUNT, "account_key": DEVELOPMENT_KEY}
    with BlobServiceClient(server.url, credential=key) as service:
        service.create_container("models")
    yield Rig(tokens, server)
    server.close()
    endpoint.close()


def test_a_managed_identity_pushes_and_pulls(rig: Rig, models: Artifact, tmp_path: Path) -> None:
    push_artifact(models, rig.open())
    pull_artifact(rig.open(), models.digest, tmp_path / "to", limits=LIMITS)
    assert scan_artifact(tmp_path / "to").digest == models.digest
    assert rig.tokens.issued == 2  # one for each client


def test_tokens_that_end_in_the_middle_of_a_push_are_renewed(rig: Rig, models: Artifact) -> None:
    rig.tokens.lifetime = timedelta(seconds=1)
    rig.server.faults.order(Fault.DELAY, method="PUT", part="blockid=", times=99, seconds=1.1)
    push_artifact(models, rig.open())
    assert rig.tokens.issued >= 3
    rig.server.faults.clear()
    assert verify_artifact(rig.open(), models.digest, deep=True).good


def test_a_token_that_is_refused_before_its_time_is_asked_for_anew(
    rig: Rig, models: Artifact
) -> None:
    told: list[int] = []

    def end_once(_count: int) -> None:
        if not told:
            told.append(1)
            rig.tokens.end_all()

    store = rig.open()
    push_artifact(models, store, progress=end_once)
    assert 2 <= rig.tokens.issued <= 1 + 2 * LIMITS.workers  # each at once may ask for its own
    assert verify_artifact(store, models.digest, deep=True).good


def test_an_identity_that_only_gets_old_tokens_is_told_so(rig: Rig) -> None:
    rig.tokens.lifetime = timedelta(hours=-1)
    with pytest.raises(AccessDeniedError, match="expired") as caught:
        rig.open().put("k", b"body")
    assert "Storage Blob Data Contributor" in str(caught.value.hint)


def test_a_copy_with_keys_takes_the_token_along(
    rig: Rig, models: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS_KEY", base64.b64encode(os.urandom(32)).decode())
    keyed = StoreSettings(customer_key="env:MODELS_KEY")
    push_artifact(models, rig.open("there", keyed))
    done = replicate_artifact(rig.open("there", keyed), rig.open("here"), models.digest)
    assert (done.copied_bytes, done.moved_bytes) == (models.size, 0)
