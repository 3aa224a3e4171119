from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deployer.spec import draft_spec, spec_schema
from deployer.spec.schema import find_homes, list_keys
from deployer.spec.tree import parse_trees
from deployer.values import Cloud


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(spec_schema())
    return jsonschema.Draft202012Validator(spec_schema())


def small(**more: Any) -> dict[str, Any]:
    target = {"name": "a", "provider": "local", "store": "file:///x", "cluster": {"local": "x"}}
    return {"name": "iris", "model": {"path": "m"}, "targets": [target], **more}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"strategy": {"soak": "60s"}},
        {"strategy": {"soak": 60}},
        {"runtime": {"image": "x", "command": ["a"]}},
        {"model": {"path": "m", "signer": {"identity": "a@x", "issuer": "https://x"}}},
        {"outcome": {"quorum": 1}},
        {"outcome": "all"},
        {"budget": {"monthly": "1200 USD"}},
        {"service": {"resources": {"cpu": 0.5, "memory": "1Gi"}, "env": {"A": "b"}}},
        {"state": {"stores": ["s3://x", {"url": "gs://y", "endpoint": "http://localhost:1"}]}},
    ],
)
def test_the_schema_accepts_what_we_accept(
    validator: jsonschema.Draft202012Validator, more: dict[str, Any]
) -> None:
    validator.validate(small(**more))


@pytest.mark.parametrize(
    "more",
    [
        {"modle": {}},
        {"name": "Iris"},
        {"strategy": {"soak": "60 seconds"}},
        {"service": {"replicas": {"min": "2"}}},
        {"service": {"env": {"a b": "c"}}},
        {"service": {"env": {"A": 1}}},
        {"model": {"path": "m", "signer": {"identity": "a@x"}}},
        {"targets": []},
        {"routing": {"weights": {"a": -1}}},
    ],
)
def test_the_schema_refuses_what_we_refuse(
    validator: jsonschema.Draft202012Validator, more: dict[str, Any]
) -> None:
    assert not validator.is_valid(small(**more))


@pytest.mark.parametrize("cloud", list(Cloud))
def test_the_schema_accepts_every_draft(
    validator: jsonschema.Draft202012Validator, cloud: Cloud
) -> None:
    [tree] = parse_trees(draft_spec("iris", [cloud]), file=Path("draft"))
    validator.validate(tree.data)


def test_every_key_says_what_it_is_for() -> None:
    schema = spec_schema()

    def silent(node: Any, name: str) -> Iterator[str]:
        for key, child in node.get("properties", {}).items():
            own = child.get("description") or schema["$defs"].get(
                child.get("$ref", "").rpartition("/")[2], {}
            ).get("description")
            if not own:
                yield f"{name}.{key}"

    parts = {"Spec": schema, **schema["$defs"]}
    assert [key for name, part in parts.items() for key in silent(part, name)] == []


def test_keys_are_known_by_their_place() -> None:
    assert "eks" in list_keys(("targets", 0, "cluster"))
    assert "endpoint" in list_keys(("targets", 3, "store"))
    assert "image" in list_keys(("runtime",))
    assert list_keys(("service", "env")) == ()
    assert list_keys(("nowhere", 0)) == ()
    assert find_homes("replicas") == ("service.replicas",)
    assert find_homes("nothing") == ()
