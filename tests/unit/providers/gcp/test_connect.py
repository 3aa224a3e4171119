import pytest
from google.auth.credentials import AnonymousCredentials

from deployer.ports import StoreSettings
from deployer.providers.gcp.connect import _make_client


def test_a_plain_http_endpoint_gets_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    client = _make_client("http://127.0.0.1:1", StoreSettings())
    assert isinstance(client._credentials, AnonymousCredentials)
    assert client.api_endpoint == "http://127.0.0.1:1"
    client.close()


def test_the_vendors_own_setting_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:2")
    client = _make_client(None, StoreSettings())
    assert client.api_endpoint == "http://127.0.0.1:2"
    client.close()
