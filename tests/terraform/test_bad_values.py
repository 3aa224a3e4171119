"""Each bad value is refused before anything is touched, in words that say what to do.

Terraform reports every variable that is wrong at once, so one plan shows a whole table.
"""

import json
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COMMON: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "name": "a-name-that-is-far-too-long-for-azure",
            "region": "us-east-9",
            "tags": {"Team": "ML"},
            "kubernetes_version": "1.35.2",
            "cidr": "10.20.0.1/16",
            "authorized_cidrs": ["0.0.0.0/0"],
            "admins": ["everybody"],
            "deployers": ["nobody"],
            "namespace": "kube-system",
            "deployments": ["Iris"],
            "log_retention_days": 91,
            "retention_days": 3,
            "budget": {"monthly": 0, "emails": []},
        },
        [
            "name: 3 to 18 lower-case letters, digits and single dashes",
            "region: Google Cloud has no region us-east-9 that this module knows",
            "tags: at most 13; keys of lower-case letters",
            "kubernetes_version: a minor version such as 1.35, without a patch",
            "cidr: the address has bits behind its prefix; write 10.20.0.0/16.",
            "authorized_cidrs: each is an IPv4 range of /8 or smaller; 0.0.0.0/0 would let",
            "admins: expected members such as group:ops@example.com",
            "deployers: expected members such as serviceAccount:ci@",
            "namespace: lower-case letters, digits and dashes, at most 63 characters, and none of",
            "deployments: 1 to 20 names of lower-case letters",
            "log_retention_days: one of 30, 60, 90, 120, 180, 365.",
            "retention_days: 7 to 90 whole days",
            "budget: monthly is above 0, and emails names at least one address.",
            "budget: Google Cloud's budgets belong to a billing account",
        ],
    ),
    (
        {  # by itself: what depends on a variable that is wrong is not looked at
            "name": "models",
            "region": "us-central1",
            "authorized_cidrs": ["203.0.113.0/24"],
            "other_cidrs": ["10.0.0.0/8"],
            "node_pools": {"spot": {"spot": True, "min": 0}},
        },
        [
            "other_cidrs: 10.20.0.0/16 overlaps one of 10.0.0.0/8.",
            "at least one pool has to be on demand, without GPUs and with min 1 or more",
            "a spot pool needs an on-demand pool of the same kind",
        ],
    ),
    (
        {
            "name": "models",
            "region": "us-east1",
            "tags": {"deployer": "me"},
            "cidr": "10.20.0.0/24",
            "authorized_cidrs": [],
            "node_pools": {
                "general": {"min": 4, "max": 3, "disk_gib": 10},
                "a-long-pool-name": {},
                "ultra": {"machine": "a2-ultragpu-1g", "gpus": 1},
                "bare": {"machine": "g2-standard-4"},
                "ahead": {"kubernetes_version": "1.36"},
                "behind": {"kubernetes_version": "1.31"},
            },
        },
        [
            "tags: deployer and managed-by are set by the module.",
            "cidr: an IPv4 range such as 10.10.0.0/16, from /16 to /18",
            "authorized_cidrs: say who may reach the control plane, or set private_endpoint",
            "node_pools: min and max are whole numbers with 0 <= min <= max",
            "node_pools: disk_gib is from 30 to 2048",
            "node_pools: a pool's name is 1 to 12 lower-case letters and digits",
            "by the price book a GPU machine is not offered in us-east1:",
            "a2-ultragpu-1g is in asia-southeast1, europe-west4, us-central1.",
            "node_pools: a machine with GPUs needs gpus, the number one node has",
            "a pool's kubernetes_version is not newer than the control plane's (1.35) and at most",
        ],
    ),
]


@pytest.mark.parametrize(
    ("values", "messages"), COMMON, ids=["single values", "pools alone", "what goes together"]
)
def test_each_bad_value_has_its_message(
    workshop: Any, values: dict[str, Any], messages: list[str]
) -> None:
    where = "modules/gcp"
    file = workshop.folder / where / "bad.tfvars.json"
    file.write_text(json.dumps({"project": "acme-prod", **values}))
    words = ("plan", "-input=false", "-no-color", f"-var-file={file.name}")
    said = workshop.run(where, *words, expect=1).said
    assert [message for message in messages if message not in said] == []


MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "a misspelt argument": (
        "modules/aws/store.tf",
        "force_destroy = var.force_destroy",
        "force_destory = var.force_destroy",
        'An argument named "force_destory" is not expected here. Did you mean "force_destroy"?',
    ),
    "a wrong type": (
        "modules/aws/cluster.tf",
        "deletion_window_in_days = 30",
        'deletion_window_in_days = "soon"',
        'Inappropriate value for attribute "deletion_window_in_days": a number is required.',
    ),
    "a list where text belongs": (
        "modules/gcp/store.tf",
        "upper(var.region)",
        "[var.region]",
        'Inappropriate value for attribute "location": string required',
    ),
    "a misspelt attribute": (
        "modules/azure/cluster.tf",
        'azurerm_user_assigned_identity.cluster["this"].principal_id',
        'azurerm_user_assigned_identity.cluster["this"].principle_id',
        'This object has no argument, nested block, or exported attribute named "principle_id"',
    ),
    "a misspelt block": (
        "modules/azure/cluster.tf",
        "  default_node_pool {",
        "  default_node_pools {",
        'Blocks of type "default_node_pools" are not expected here.',
    ),
    "an unknown resource": (
        "modules/gcp/network.tf",
        'resource "google_compute_router" "this"',
        'resource "google_compute_routers" "this"',
        'does not support resource type "google_compute_routers"',
    ),
    "a missing argument": (
        "modules/gcp/registry.tf",
        '  format        = "DOCKER"\n',
        "",
        'The argument "format" is required',
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_files_does_not_pass_validate(workshop: Any, mistake: Any) -> None:
    """Each alone: Terraform says nothing of a block's shape while a reference is wrong."""
    path, right, wrong, message = mistake
    where = path.rpartition("/")[0]
    workshop.run(where, "version")
    file = workshop.folder / path
    kept = file.read_text()
    assert right in kept
    try:
        file.write_text(kept.replace(right, wrong))
        assert message in workshop.run(where, "validate", "-no-color", expect=1).said
    finally:
        file.write_text(kept)
