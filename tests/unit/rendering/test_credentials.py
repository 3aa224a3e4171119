import pytest

from deployer.rendering.credentials import find_credentials
from deployer.values import Json

KEY = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"metadata": {"annotations": {"a": f"key={KEY}"}}}, ("metadata", "annotations", "a")),
        ({"args": ["--dsn", "postgres://u:p@db/x"]}, ("args", 1)),
        ({"env": [{"name": "DB_PASSWORD", "value": "x"}]}, ("env", 0, "value")),
        ({"kind": "ConfigMap", "data": {"API_KEY": "x"}}, ("data", "API_KEY")),
        ({"kind": "ConfigMap", "data": {"file": KEY}}, ("data", "file")),
        ({"apiVersion": "v1", "kind": "Secret", "data": {"a": "b"}}, ("kind",)),
        ([{"op": "add", "path": "/a", "value": KEY}], (0, "value")),
    ],
)
def test_a_credential_is_found_where_it_is(data: Json, path: tuple[str | int, ...]) -> None:
    [finding] = find_credentials(data)
    assert finding.path == path
    assert "secretKeyRef" in finding.message
    assert KEY not in finding.message


@pytest.mark.parametrize(
    "data",
    [
        {"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db"}}}]},
        {"env": [{"name": "DB_PASSWORD", "value": ""}, {"name": "PASSWORD_FILE", "value": "/x"}]},
        {"roleRef": {"kind": "Secret", "name": "x"}},
        {"data": {"settings.json": "{}"}, "number": 3, "nothing": None},
    ],
)
def test_references_to_secrets_are_none(data: Json) -> None:
    assert not list(find_credentials(data))
