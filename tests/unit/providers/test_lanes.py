"""Where the SDKs would go through a proxy, there is no short way round it."""

from typing import Any

import pytest

from deployer.providers.aws.connect import connect_store as connect_s3
from deployer.providers.azure.connect import connect_store as connect_blob
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.providers.local.clock import SystemClock

STORES = {
    "s3": (connect_s3, "s3://models", "_bucket"),
    "gs": (connect_gcs, "gs://models", "_bucket"),
    "az": (connect_blob, "az://models", "_container"),
}


@pytest.mark.parametrize("scheme", list(STORES))
@pytest.mark.parametrize("proxied", [True, False])
def test_a_proxy_is_never_passed_by(
    scheme: str, proxied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_KEY"):
        monkeypatch.setenv(name, "a2V5")
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    if proxied:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    connect, url, name = STORES[scheme]
    store: Any = connect(url, clock=SystemClock(), endpoint="http://storage.test/account")
    place = getattr(store, name)
    lane = place.lane() if hasattr(place, "lane") else place._lane()
    assert (lane._wire is None) is proxied
