import pytest

from deployer.spec.secrets import is_secret_name, names_a_secret, seems_secret


@pytest.mark.parametrize(
    "value",
    [
        "AKIA" + "A" * 16,
        "ghp_" + "a" * 36,
        "hf_" + "a" * 34,
        "eyJhbGciOiJI.eyJzdWIiOiIx.x",
        "-----BEGIN RSA PRIVATE KEY-----",
        "postgres://user:hunter2@db.example/x",
        "DefaultEndpointsProtocol=https;AccountKey=" + "a" * 40,
        "https://x.blob.core.windows.net/c?sv=1&sig=" + "a" * 30,
    ],
)
def test_a_credential_is_known_by_its_shape(value: str) -> None:
    assert seems_secret(value)


@pytest.mark.parametrize(
    "value",
    ["info", "s3://bucket/key", "https://example.com:8080/a@b", "m6i.large", "<pad>", "sha256:00"],
)
def test_plain_settings_are_no_credentials(value: str) -> None:
    assert not seems_secret(value)


def test_names_are_read_word_by_word() -> None:
    assert is_secret_name("DB_PASSWORD_FILE")
    assert not is_secret_name("MAX_TOKENS")
    assert not is_secret_name("MONKEY")
    assert names_a_secret("DB_PASSWORD")
    assert names_a_secret("MY_API_KEY")
    assert not names_a_secret("PASSWORD_FILE")
    assert not names_a_secret("SORT_KEY")
