"""What needs no provider: the form of the files, what is generated, what is the same everywhere."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest

ROOT = Path(__file__).parents[2] / "terraform"
CLOUDS = ("aws", "gcp", "azure")


def load_blocks(folder: Path, kind: str) -> dict[str, Any]:
    """Return the blocks of one kind by name; only files that have some are parsed."""
    found: dict[str, Any] = {}
    for text in (file.read_text() for file in folder.glob("*.tf")):
        for block in hcl2.loads(text).get(kind, []) if f'\n{kind} "' in f"\n{text}" else []:
            found |= {name.strip('"'): body for name, body in block.items()}
    return found


def test_every_file_is_formatted(binary: str) -> None:
    words = [binary, "fmt", "-check", "-recursive", "-diff", str(ROOT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_is_generated_is_what_the_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    stale = [path for path, text in generate.generate_all().items() if path.read_text() != text]
    assert stale == [], "run python terraform/generate.py"


def test_what_means_the_same_is_the_same_variable_on_every_cloud() -> None:
    assert len({(ROOT / "modules" / cloud / "variables.tf").read_text() for cloud in CLOUDS}) == 1


def test_every_module_has_the_same_outputs_of_the_same_shape() -> None:
    outputs = {cloud: load_blocks(ROOT / "modules" / cloud, "output") for cloud in CLOUDS}
    described = {
        cloud: {name: body["description"] for name, body in found.items()}
        for cloud, found in outputs.items()
    }
    assert described["aws"] == described["gcp"] == described["azure"]
    for name in ("cluster", "identity", "target"):
        shapes = {cloud: set(found[name]["value"]) for cloud, found in outputs.items()}
        assert shapes["aws"] == shapes["gcp"] == shapes["azure"], name


@pytest.mark.parametrize(
    "folder", sorted(ROOT.glob("*/*/variables.tf")), ids=lambda p: p.parent.name
)
def test_every_variable_has_a_type_and_a_description(folder: Path) -> None:
    for name, body in load_blocks(folder.parent, "variable").items():
        assert body["type"], name
        assert len(body["description"]) > 10, name


@pytest.mark.parametrize("cloud", CLOUDS)
def test_policies_are_documents_that_name_every_action(cloud: str) -> None:
    """No wildcard, except that a deny may be as wide as it likes, and a key's own account."""
    for path in sorted((ROOT / "modules" / cloud / "policies").glob("*.json")):
        text = re.sub(r"\$\{jsonencode\(\w+\)\}", '["made-up"]', path.read_text())
        actions = allowed_actions(json.loads(text)) if path.name != "images.json" else []
        for action in actions:
            assert "*" not in action, f"{path.name}: {action}"


def allowed_actions(policy: Any) -> list[str]:
    """Return what a policy allows: AWS's statements, or the other clouds' lists."""
    if "Statement" not in policy:
        return [action for value in policy.values() if isinstance(value, list) for action in value]
    actions: list[str] = []
    for statement in policy["Statement"]:
        owner = statement.get("Sid") == "TheAccountsOwnPoliciesDecide"
        if statement["Effect"] == "Allow" and not owner:
            wanted = statement["Action"]
            actions += [wanted] if isinstance(wanted, str) else wanted
    return actions


def read_policy(cloud: str, name: str) -> list[str]:
    path = ROOT / "modules" / cloud / "policies" / f"{name}.json"
    return allowed_actions(json.loads(path.read_text()))


def test_who_pulls_may_write_nothing() -> None:
    assert {cloud: read_policy(cloud, "pull") for cloud in CLOUDS} == {
        "aws": ["s3:GetObject", "s3:ListBucket", "kms:Decrypt"],
        "gcp": ["storage.objects.get", "storage.objects.list"],
        "azure": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    }


def test_nobody_who_deploys_touches_secrets_policies_or_the_stores_settings() -> None:
    for cloud in CLOUDS:
        for action in read_policy(cloud, "deploy"):
            assert not re.search(r"secret|policy|iam|PutBucket|Lifecycle|roles", action), action


def test_a_wildcard_would_be_found() -> None:
    statement = {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}
    assert allowed_actions({"Statement": [statement]}) == ["s3:*"]
    assert allowed_actions({"title": "all", "store": ["storage.*"]}) == ["storage.*"]
