import pytest

from deployer.errors import SetupError
from deployer.providers.azure.connect import _find_account, connect_store
from deployer.providers.local.clock import ManualClock

NAMES = ("CONNECTION_STRING", "ACCOUNT", "KEY", "SAS_TOKEN")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    return monkeypatch


def test_a_connection_string_names_account_and_key(settings: pytest.MonkeyPatch) -> None:
    settings.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5PT0=;",
    )
    account = _find_account(None)
    assert account.url == "https://acme.blob.core.windows.net"
    assert account.credential == {"account_name": "acme", "account_key": "a2V5PT0="}


def test_a_connection_strings_own_endpoint_counts(settings: pytest.MonkeyPatch) -> None:
    settings.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        "AccountName=dev;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/dev",
    )
    assert _find_account(None).url == "http://127.0.0.1:1/dev"
    assert _find_account("http://127.0.0.1:2/dev").url == "http://127.0.0.1:2/dev"


def test_an_endpoint_names_the_account_of_a_key(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("AZURE_STORAGE_KEY", "a2V5")
    by_path = _find_account("http://127.0.0.1:1/dev")
    assert by_path.credential["account_name"] == "dev"
    by_host = _find_account("https://acme.blob.core.chinacloudapi.cn")
    assert by_host.credential["account_name"] == "acme"


def test_a_shared_access_signature_is_a_credential(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("AZURE_STORAGE_ACCOUNT", "acme")
    settings.setenv("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=x")
    account = _find_account(None)
    assert (account.url, account.credential) == (
        "https://acme.blob.core.windows.net",
        "sv=1&sig=x",
    )


def test_without_keys_the_default_chain_is_asked(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("AZURE_STORAGE_ACCOUNT", "acme")
    assert hasattr(_find_account(None).credential, "get_token")


def test_no_account_is_a_matter_of_setup() -> None:
    with pytest.raises(SetupError, match="no Azure storage account") as caught:
        connect_store("az://models", clock=ManualClock()).head("a")
    assert "AZURE_STORAGE_CONNECTION_STRING" in str(caught.value.hint)


def test_no_token_goes_over_a_line_without_tls() -> None:
    with pytest.raises(SetupError, match="without TLS"):
        connect_store("az://models", clock=ManualClock(), endpoint="http://127.0.0.1:1/dev").head(
            "a"
        )


def test_a_key_that_is_none_is_a_matter_of_setup(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("AZURE_STORAGE_KEY", "not base64!")
    store = connect_store(
        "az://models", clock=ManualClock(), endpoint="http://127.0.0.1:1/dev", patience_seconds=1
    )
    with pytest.raises(SetupError):
        store.head("a")
