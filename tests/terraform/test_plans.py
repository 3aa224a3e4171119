"""The plan of all three clouds, as Terraform shows it in JSON: what is safe is asserted."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from deployer.providers.book import load_book
from deployer.report.infrastructure import build_infrastructure_report
from deployer.report.rates import Usage
from deployer.report.terraform import read_resources
from deployer.values import Cloud

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Walk = Callable[[Any], Iterator[dict[str, Any]]]
Find = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def plan(workshop: Any) -> Any:
    return workshop.plan("envs/three-clouds")


@pytest.fixture(scope="module")
def find(plan: Any, walk_resources: Walk) -> Find:
    """Return the values of the resources of a type."""

    def values(kind: str) -> list[dict[str, Any]]:
        found = [item["values"] for item in walk_resources(plan) if item["type"] == kind]
        assert found, kind
        return found

    return values


def test_every_store_is_encrypted_versioned_and_closed(find: Find) -> None:
    (encryption,) = find("aws_s3_bucket_server_side_encryption_configuration")
    (rule,) = encryption["rule"]
    assert rule["apply_server_side_encryption_by_default"][0]["sse_algorithm"] == "aws:kms"
    (block,) = find("aws_s3_bucket_public_access_block")
    closed = ("block_public_acls", "block_public_policy", "ignore_public_acls")
    assert all(block[key] for key in (*closed, "restrict_public_buckets"))
    (versioning,) = find("aws_s3_bucket_versioning")
    assert versioning["versioning_configuration"][0]["status"] == "Enabled"

    (bucket,) = find("google_storage_bucket")
    assert bucket["public_access_prevention"] == "enforced"
    assert bucket["uniform_bucket_level_access"]
    assert bucket["versioning"][0]["enabled"]
    assert bucket["soft_delete_policy"][0]["retention_duration_seconds"] == 30 * 86400

    (account,) = find("azurerm_storage_account")
    assert account["min_tls_version"] == "TLS1_2"
    assert account["https_traffic_only_enabled"]
    assert not account["allow_nested_items_to_be_public"]
    assert not account["shared_access_key_enabled"]
    assert account["blob_properties"][0]["versioning_enabled"]
    assert account["blob_properties"][0]["delete_retention_policy"][0]["days"] == 30


def test_every_store_has_a_key_of_its_own_that_rotates(plan: Any, find: Find) -> None:
    assert all(key["enable_key_rotation"] for key in find("aws_kms_key"))
    assert all(key["rotation_period"] == "7776000s" for key in find("google_kms_crypto_key"))
    (key,) = find("azurerm_key_vault_key")
    assert key["rotation_policy"][0]["automatic"][0]["time_after_creation"] == "P90D"
    (vault,) = find("azurerm_key_vault")
    assert vault["purge_protection_enabled"]
    modules = plan["configuration"]["root_module"]["module_calls"]
    sources = json.dumps({name: call["module"]["resources"] for name, call in modules.items()})
    for reference in (
        "aws_kms_key.store.arn",
        "google_kms_crypto_key.store.id",
        "azurerm_key_vault_key.store.versionless_id",
        'google_kms_crypto_key.cluster[\\"this\\"].id',
        'aws_kms_key.cluster[\\"this\\"].arn',
    ):
        assert reference in sources


def test_the_s3_bucket_takes_tls_alone(find: Find) -> None:
    (policy,) = find("aws_s3_bucket_policy")
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [
        "arn:aws:s3:::models-models-111122223333",
        "arn:aws:s3:::models-models-111122223333/*",
    ]


def test_incomplete_uploads_and_old_versions_go(find: Find) -> None:
    (lifecycle,) = find("aws_s3_bucket_lifecycle_configuration")
    days = [
        rule["abort_incomplete_multipart_upload"][0]["days_after_initiation"]
        for rule in lifecycle["rule"]
        if rule["abort_incomplete_multipart_upload"]
    ]
    assert days == [7]
    (bucket,) = find("google_storage_bucket")
    kinds = {rule["action"][0]["type"] for rule in bucket["lifecycle_rule"]}
    assert kinds == {"AbortIncompleteMultipartUpload", "Delete"}
    (policy,) = find("azurerm_storage_management_policy")
    version = policy["rule"][0]["actions"][0]["version"][0]
    assert version["delete_after_days_since_creation"] == 30


def test_nobody_reaches_a_control_plane_but_the_addresses_named(find: Find) -> None:
    (eks,) = find("aws_eks_cluster")
    assert eks["vpc_config"][0]["public_access_cidrs"] == ["203.0.113.0/24"]
    assert eks["vpc_config"][0]["endpoint_private_access"]
    (gke,) = find("google_container_cluster")
    allowed = gke["master_authorized_networks_config"][0]["cidr_blocks"]
    assert [block["cidr_block"] for block in allowed] == ["203.0.113.0/24"]
    assert gke["private_cluster_config"][0]["enable_private_nodes"]
    (aks,) = find("azurerm_kubernetes_cluster")
    assert aks["api_server_access_profile"][0]["authorized_ip_ranges"] == ["203.0.113.0/24"]


def test_clusters_know_no_passwords_and_no_certificates(find: Find) -> None:
    (eks,) = find("aws_eks_cluster")
    assert eks["access_config"][0]["authentication_mode"] == "API"
    (gke,) = find("google_container_cluster")
    issued = gke["master_auth"][0]["client_certificate_config"][0]["issue_client_certificate"]
    assert not issued
    assert gke["workload_identity_config"][0]["workload_pool"] == "acme-prod.svc.id.goog"
    (aks,) = find("azurerm_kubernetes_cluster")
    assert aks["local_account_disabled"]
    assert aks["oidc_issuer_enabled"]
    assert aks["workload_identity_enabled"]
    assert not find("azurerm_container_registry")[0]["admin_enabled"]


def test_secrets_in_the_clusters_are_encrypted_by_our_keys(find: Find) -> None:
    assert find("aws_eks_cluster")[0]["encryption_config"][0]["resources"] == ["secrets"]
    assert find("google_container_cluster")[0]["database_encryption"][0]["state"] == "ENCRYPTED"


def test_control_planes_are_logged(find: Find) -> None:
    kinds = {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    assert set(find("aws_eks_cluster")[0]["enabled_cluster_log_types"]) == kinds
    logged = find("google_container_cluster")[0]["logging_config"][0]["enable_components"]
    assert {"APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"} <= set(logged)
    (setting,) = find("azurerm_monitor_diagnostic_setting")
    assert "kube-audit-admin" in {log["category"] for log in setting["enabled_log"]}


def test_clusters_are_protected_where_the_cloud_can(find: Find) -> None:
    assert find("google_container_cluster")[0]["deletion_protection"]
    assert find("azurerm_management_lock")[0]["lock_level"] == "CanNotDelete"


def test_nodes_answer_no_old_metadata_service_and_have_encrypted_disks(find: Find) -> None:
    for template in find("aws_launch_template"):
        assert template["metadata_options"][0]["http_tokens"] == "required"
        assert template["block_device_mappings"][0]["ebs"][0]["encrypted"] == "true"
    for pool in find("google_container_node_pool"):
        assert pool["node_config"][0]["workload_metadata_config"][0]["mode"] == "GKE_METADATA"
        assert pool["node_config"][0]["shielded_instance_config"][0]["enable_secure_boot"]


def test_spot_pools_are_spot_and_keep_others_away(find: Find) -> None:
    groups = {group["node_group_name"]: group for group in find("aws_eks_node_group")}
    assert groups["spot"]["capacity_type"] == "SPOT"
    assert groups["spot"]["taint"][0]["key"] == "deployer/spot"
    assert groups["general"]["capacity_type"] == "ON_DEMAND"
    pools = {pool["name"]: pool["node_config"][0] for pool in find("google_container_node_pool")}
    assert pools["spot"]["spot"]
    (pool,) = find("azurerm_kubernetes_cluster_node_pool")
    assert (pool["priority"], pool["eviction_policy"]) == ("Spot", "Delete")


def test_everything_that_can_carry_tags_carries_ours(plan: Any, walk_resources: Walk) -> None:
    ours = {"deployer": "models", "managed-by": "terraform"}
    keys = ("tags", "labels", "resource_labels", "user_labels")
    not_ours = {"google_monitoring_notification_channel"}  # there, labels are the address
    bare = []
    for item in walk_resources(plan):
        held = [item["values"][key] for key in keys if key in item["values"]]
        if held and item["type"] not in not_ours:
            carried: dict[str, str] = {}
            for value in held:
                carried |= value if isinstance(value, dict) else {}
            if not ours.items() <= carried.items():
                bare.append(item["address"])
    assert bare == []


def test_models_come_to_aws_without_crossing_nat(find: Find) -> None:
    (endpoint,) = find("aws_vpc_endpoint")
    assert endpoint["vpc_endpoint_type"] == "Gateway"
    assert endpoint["service_name"] == "com.amazonaws.us-east-1.s3"
    assert find("google_compute_subnetwork")[0]["private_ip_google_access"]
    assert find("azurerm_subnet")[0]["service_endpoints"] == ["Microsoft.Storage"]


def test_networks_have_the_ranges_asked_for_and_subnets_do_not_overlap(find: Find) -> None:
    assert find("aws_vpc")[0]["cidr_block"] == "10.10.0.0/16"
    assert find("azurerm_virtual_network")[0]["address_space"] == ["10.30.0.0/16"]
    blocks = [subnet["cidr_block"] for subnet in find("aws_subnet")]
    assert sorted(blocks) == [
        "10.10.0.0/22",
        "10.10.128.0/18",
        "10.10.192.0/18",
        "10.10.4.0/22",
        "10.10.64.0/18",
        "10.10.8.0/22",
    ]
    (subnet,) = find("google_compute_subnetwork")
    ranges = {r["range_name"]: r["ip_cidr_range"] for r in subnet["secondary_ip_range"]}
    assert subnet["ip_cidr_range"] == "10.20.0.0/20"
    assert ranges == {"pods": "10.20.128.0/17", "services": "10.20.16.0/20"}


def test_the_plan_is_priced_by_our_book(plan: Any) -> None:
    usage = Usage(Decimal(10), Decimal(5))
    report = build_infrastructure_report(read_resources(plan), load_book(), usage)
    known = {cloud: report.known_on(cloud).amount for cloud in (Cloud.AWS, Cloud.GCP, Cloud.AZURE)}
    assert {cloud: f"{amount:.2f}" for cloud, amount in known.items()} == {
        Cloud.AWS: "328.94",
        Cloud.GCP: "223.74",
        Cloud.AZURE: "274.48",
    }
    reasons = {c.unknown for c in report.components if c.monthly is None}
    assert not any("no rate is known" in reason for reason in reasons), reasons
    assert not any("does not say" in reason for reason in reasons), reasons
