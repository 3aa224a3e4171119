from typing import Any

import pytest

from deployer.errors import SetupError
from deployer.ports import StoreSettings
from deployer.providers.aws.connect import _make_client, connect_store
from deployer.providers.local.clock import ManualClock
from deployer.providers.patience import Patience


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-2"),
    ],
)
def test_the_region_is_the_vendors_setting(
    settings: pytest.MonkeyPatch, variables: dict[str, str], region: str
) -> None:
    for name, value in variables.items():
        settings.setenv(name, value)
    assert _make_client(None, Patience(5), StoreSettings()).meta.region_name == region


def test_another_endpoint_is_addressed_by_path(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    config: Any = _make_client(None, Patience(5), StoreSettings()).meta.config
    assert config.s3["addressing_style"] == "path"
    assert (config.connect_timeout, config.read_timeout) == (5 / 3, 5 / 3)


def test_nobody_logged_in_is_a_matter_of_setup(settings: pytest.MonkeyPatch) -> None:
    settings.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(SetupError, match="redentials") as caught:
        connect_store("s3://acme", clock=ManualClock(), endpoint="http://127.0.0.1:1").head("a")
    assert "aws configure" in str(caught.value.hint)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:1", "http://not a host"])
def test_an_endpoint_that_is_none_is_a_matter_of_setup(endpoint: str) -> None:
    with pytest.raises(SetupError):
        connect_store("s3://acme", clock=ManualClock(), endpoint=endpoint).head("a")
