import json
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.spec import load_spec
from deployer.spec.draft import draft_identity, draft_terraform
from deployer.spec.terraform import Outputs, read_outputs

FILE = Path("terraform.json")


def target(cloud: str = "aws", **changes: Any) -> dict[str, Any]:
    scheme, kind = {"aws": ("s3", "eks"), "gcp": ("gs", "gke"), "azure": ("az", "aks")}[cloud]
    cluster = dict.fromkeys(("eks", "gke", "aks", "resource_group")) | {kind: "models"}
    return {
        "name": f"{cloud}-here",
        "provider": cloud,
        "region": "here",
        "store": {"url": f"{scheme}://models", "endpoint": None},
        "cluster": cluster | ({"resource_group": "models"} if cloud == "azure" else {}),
        "namespace": "default",
        "machine": "m6i.large",
        "deployments": ["model"],
        "annotations": {},
        **changes,
    }


def outputs(*targets: dict[str, Any]) -> Outputs:
    document = {"targets": {"sensitive": False, "type": "…", "value": list(targets)}}
    return read_outputs(document, file=FILE)


def test_the_spec_of_three_clouds_loads(tmp_path: Path) -> None:
    store = {"url": "az://models", "endpoint": "https://acme.blob.core.windows.net"}
    found = outputs(target(), target("gcp", machine=None), target("azure", store=store))
    file = tmp_path / "deployer.yaml"
    file.write_text(draft_terraform("model", found))
    spec = load_spec(file)
    assert [(t.name, t.provider.value) for t in spec.targets] == [
        ("aws-here", "aws"),
        ("gcp-here", "gcp"),
        ("azure-here", "azure"),
    ]
    assert spec.target("azure-here").store.endpoint == "https://acme.blob.core.windows.net"
    assert spec.target("azure-here").cluster.resource_group == "models"
    assert spec.target("gcp-here").machine == ""
    assert not spec.patches
    assert draft_identity("model", found) == ""


def test_identities_become_a_patch_of_the_service_account(tmp_path: Path) -> None:
    bound = outputs(target("azure", annotations={"azure.workload.identity/client-id": "0-0"}))
    (tmp_path / "identity.yaml").write_text(draft_identity("iris", bound))
    (tmp_path / "deployer.yaml").write_text(draft_terraform("iris", bound))
    patches = load_spec(tmp_path / "deployer.yaml").patches
    assert [patch.path for patch in patches] == ["./identity.yaml"]
    text = (tmp_path / "identity.yaml").read_text()
    assert "name: iris\n" in text
    assert "    azure.workload.identity/client-id: 0-0\n" in text


def test_one_target_alone_is_read_too() -> None:
    found = read_outputs({"target": {"value": target()}}, file=FILE)
    assert [t.name for t in found.targets] == ["aws-here"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "no output called targets"),
        ({}, "no output called targets"),
        ({"targets": {"value": []}}, "no output called targets"),
        ({"targets": "x"}, "no output called targets"),
        ({"targets": {"value": [{"name": "a"}]}}, "is not what our modules write: provider"),
        ({"targets": {"value": [target(), target()]}}, "two targets have one name"),
        ({"targets": {"value": [target(store={"url": "ftp://x"})]}}, "store.url"),
    ],
)
def test_what_is_no_output_of_ours_is_bad_input(document: Any, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_outputs(json.loads(json.dumps(document)), file=FILE)
    assert words in caught.value.message


def test_the_name_is_one_whose_pods_may_pull() -> None:
    two = outputs(target(deployments=["iris", "wine"]), target("gcp", deployments=["iris"]))
    assert two.name_deployment(None) == "iris"
    assert two.name_deployment("iris") == "iris"
    with pytest.raises(SourceError, match="pods of 'wine' may not pull"):
        two.name_deployment("wine")
    with pytest.raises(SourceError, match="several deployments"):
        outputs(target(deployments=["iris", "wine"])).name_deployment(None)


def test_two_identities_under_one_key_are_refused() -> None:
    one = target(annotations={"eks.amazonaws.com/role-arn": "a"})
    other = target(name="aws-there", annotations={"eks.amazonaws.com/role-arn": "b"})
    with pytest.raises(SourceError, match="different values"):
        _ = outputs(one, other).annotations
