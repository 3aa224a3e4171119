"""What one planned resource costs a month: which of its arguments count, by Terraform's type.

A type is priced, known to cost nothing by itself, or unknown; nothing is passed over (G8).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.component import (
    HOURS_PER_MONTH,
    Component,
    price_component,
    unknown_component,
)
from deployer.ports import Price, PriceQuery, Prices, UnknownPrice
from deployer.report.terraform import Resource
from deployer.values import Json

__all__ = ["Shop", "Usage", "price_resource"]

_DAYS_PER_MONTH = Decimal(365) / 12
_ZONES = 3
"""How many zones a regional GKE cluster's nodes are in, unless it names them (GKE's default)."""
_DISK_TIERS = ((32, "p4"), (64, "p6"), (128, "p10"), (256, "p15"), (512, "p20"), (1024, "p30"))
"""Azure bills the next size of premium disk above what is asked (managed disk types, 2025)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a plan cannot know, assumed; shown with the report."""

    store_gb: Decimal = Decimal(10)
    image_gb: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True)
class Shop:
    """What pricing one resource may ask: the book, the assumptions, its neighbours."""

    prices: Prices
    usage: Usage
    resources: Sequence[Resource]

    def find(
        self, resource: Resource, kind: str, sku: str = "", option: str = "on-demand"
    ) -> Price | UnknownPrice:
        """Ask the book in the resource's region."""
        if resource.cloud is None:
            return UnknownPrice(f"{resource.kind} is of no cloud in the book")
        if not resource.region:
            return UnknownPrice("the plan does not say in which region it is")
        return self.prices.find(PriceQuery(resource.cloud, resource.region, kind, sku, option))

    def neighbour(self, resource: Resource, kind: str) -> Resource | None:
        """Return the resource of ``kind`` in the same module, of the same key if there are some."""
        near = [r for r in self.resources if r.module == resource.module and r.kind == kind]
        same = [r for r in near if r.index == resource.index]
        return next(iter([*same, *near]), None)


def price_resource(resource: Resource, shop: Shop) -> tuple[Component, ...]:
    """Return what the resource costs a month, by component; none when it costs nothing itself."""
    if resource.kind in _FREE or resource.cloud is None:
        return ()
    if resource.kind in _BY_USE:
        return (unknown_component("usage", _BY_USE[resource.kind]),)
    pricer = _PRICERS.get(resource.kind)
    if pricer is None:
        return (unknown_component("resource", f"no rate is known for {resource.kind}"),)
    return tuple(pricer(resource, shop))


def _hourly(name: str, kind: str, sku: str = "") -> Callable[[Resource, Shop], list[Component]]:
    """Return a pricer of what costs the same every hour."""

    def price(resource: Resource, shop: Shop) -> list[Component]:
        found = shop.find(resource, kind, sku)
        return [price_component(name, found, HOURS_PER_MONTH, "1 x")]

    return price


def _stored(
    name: str, kind: str, sku: str, *, images: bool = False
) -> Callable[[Resource, Shop], list[Component]]:
    """Return a pricer of what costs by what is in it."""

    def price(resource: Resource, shop: Shop) -> list[Component]:
        amount = shop.usage.image_gb if images else shop.usage.store_gb
        return [price_component(name, shop.find(resource, kind, sku), amount, f"{amount} GB")]

    return price


def _nodes(resource: Resource, shop: Shop, machine: str, count: int, *, spot: bool) -> Component:
    found = shop.find(resource, "instance", machine, "spot" if spot else "on-demand")
    basis = f"{count} x {machine}{' (spot)' if spot else ''}"
    return price_component("nodes", found, count * HOURS_PER_MONTH, basis)


def _disks(resource: Resource, shop: Shop, sku: str, gib: int, count: int) -> Component:
    found = shop.find(resource, "block", sku)
    return price_component("disks", found, gib * count, f"{count} x {gib} GiB {sku}")


def _first(value: Json) -> Mapping[str, Json]:
    """Return a block that there is at most one of; empty when there is none."""
    listed = value if isinstance(value, list) else [value]
    return listed[0] if listed and isinstance(listed[0], dict) else {}


def _eks_nodes(resource: Resource, shop: Shop) -> list[Component]:
    values = resource.values
    count = int(_first(values.get("scaling_config")).get("desired_size") or 0)
    machines = values.get("instance_types") or [""]
    spot = values.get("capacity_type") == "SPOT"
    nodes = _nodes(resource, shop, machines[0], count, spot=spot)
    template = shop.neighbour(resource, "aws_launch_template")
    disk = (
        _first(_first(template.values.get("block_device_mappings")).get("ebs")) if template else {}
    )
    gib = int(disk.get("volume_size") or values.get("disk_size") or 20)
    return [nodes, _disks(resource, shop, disk.get("volume_type") or "gp2", gib, count)]


def _gke_cluster(resource: Resource, shop: Shop) -> list[Component]:
    plane = shop.find(resource, "control_plane_hour", "gke")
    components = [price_component("control plane", plane, HOURS_PER_MONTH, "one cluster")]
    if resource.values.get("enable_autopilot"):
        reason = "Autopilot bills what pods ask for, and the plan has no pods"
        components.append(unknown_component("pods", reason))
    return components


def _gke_nodes(resource: Resource, shop: Shop) -> list[Component]:
    node = _first(resource.values.get("node_config"))
    count = _gke_count(resource)
    machine = str(node.get("machine_type") or "")
    spot = bool(node.get("spot") or node.get("preemptible"))
    disk = str(node.get("disk_type") or "pd-balanced")
    gib = int(node.get("disk_size_gb") or 100)
    nodes = _nodes(resource, shop, machine, count, spot=spot)
    return [nodes, _disks(resource, shop, disk, gib, count)]


def _gke_count(resource: Resource) -> int:
    """Return how many nodes there are at least: GKE's plain counts are per zone."""
    values = resource.values
    scaling = _first(values.get("autoscaling"))
    if scaling.get("total_min_node_count") is not None:
        return int(scaling["total_min_node_count"])
    each = scaling.get("min_node_count") or values.get("node_count") or 0
    zonal = str(values.get("location") or "").count("-") > 1
    return int(each) * (1 if zonal else len(values.get("node_locations") or ()) or _ZONES)


def _aks_cluster(resource: Resource, shop: Shop) -> list[Component]:
    values, pool = resource.values, _first(resource.values.get("default_node_pool"))
    tier = str(values.get("sku_tier") or "Free").lower()
    plane = shop.find(resource, "control_plane_hour", f"aks-{tier}")
    balancer = shop.find(resource, "lb_hour", "standard")
    address = shop.find(resource, "ipv4_hour", "static-standard")
    return [
        price_component("control plane", plane, HOURS_PER_MONTH, "one cluster"),
        *_aks_pool(resource, shop, pool, spot=False),
        price_component("balancer", balancer, HOURS_PER_MONTH, "the way out"),
        price_component("address", address, HOURS_PER_MONTH, "the way out"),
    ]


def _aks_nodes(resource: Resource, shop: Shop) -> list[Component]:
    cluster = shop.neighbour(resource, "azurerm_kubernetes_cluster")
    where = cluster or resource  # a pool has no location of its own
    spot = resource.values.get("priority") == "Spot"
    return _aks_pool(where, shop, resource.values, spot=spot)


def _aks_pool(
    where: Resource, shop: Shop, pool: Mapping[str, Json], *, spot: bool
) -> list[Component]:
    count = int(pool.get("min_count") or pool.get("node_count") or 0)
    gib = int(pool.get("os_disk_size_gb") or 128)
    tier = next((tier for size, tier in _DISK_TIERS if gib <= size), "p40")
    disk = shop.find(where, "block", f"premium-{tier}")
    return [
        _nodes(where, shop, str(pool.get("vm_size") or ""), count, spot=spot),
        price_component("disks", disk, count, f"{count} x {gib} GiB premium {tier}"),
    ]


def _blob(resource: Resource, shop: Shop) -> list[Component]:
    copies = str(resource.values.get("account_replication_type") or "LRS").lower()
    return _stored("storage", "object_storage", f"blob-hot-{copies}")(resource, shop)


def _vault_key(resource: Resource, shop: Shop) -> list[Component]:
    vault = shop.neighbour(resource, "azurerm_key_vault")  # a key has no location of its own
    return _hourly("key", "key_hour")(vault or resource, shop)


def _acr(resource: Resource, shop: Shop) -> list[Component]:
    sku = str(resource.values.get("sku") or "").lower()
    found = shop.find(resource, "registry", f"acr-{sku}")
    return [price_component("images", found, _DAYS_PER_MONTH, "each day")]


def _endpoint(resource: Resource, shop: Shop) -> list[Component]:
    """Price a VPC endpoint: a gateway is free, an interface costs by the hour and the GB."""
    if resource.values.get("vpc_endpoint_type", "Gateway") == "Gateway":
        return []
    return _hourly("endpoint", "vpc_endpoint_hour")(resource, shop)


def _aws_balancer(resource: Resource, shop: Shop) -> list[Component]:
    network = resource.values.get("load_balancer_type") == "network"
    return _hourly("balancer", "lb_hour", "nlb" if network else "alb")(resource, shop)


_PRICERS: Mapping[str, Callable[[Resource, Shop], list[Component]]] = {
    "aws_eks_cluster": _hourly("control plane", "control_plane_hour", "eks-standard"),
    "aws_eks_node_group": _eks_nodes,
    "aws_nat_gateway": _hourly("nat", "nat_hour"),
    "aws_eip": _hourly("address", "ipv4_hour"),
    "aws_lb": _aws_balancer,
    "aws_vpc_endpoint": _endpoint,
    "aws_s3_bucket": _stored("storage", "object_storage", "s3-standard"),
    "aws_ecr_repository": _stored("images", "registry", "ecr", images=True),
    "aws_kms_key": _hourly("key", "key_hour"),
    "google_container_cluster": _gke_cluster,
    "google_container_node_pool": _gke_nodes,
    "google_compute_router_nat": _hourly("nat", "nat_hour"),
    "google_compute_forwarding_rule": _hourly("balancer", "lb_hour", "forwarding-rule"),
    "google_compute_global_forwarding_rule": _hourly("balancer", "lb_hour", "forwarding-rule"),
    "google_compute_address": _hourly("address", "ipv4_hour", "in-use"),
    "google_storage_bucket": _stored("storage", "object_storage", "gcs-standard"),
    "google_artifact_registry_repository": _stored(
        "images", "registry", "artifact-registry", images=True
    ),
    "google_kms_crypto_key": _hourly("key", "key_hour"),
    "azurerm_kubernetes_cluster": _aks_cluster,
    "azurerm_kubernetes_cluster_node_pool": _aks_nodes,
    "azurerm_nat_gateway": _hourly("nat", "nat_hour"),
    "azurerm_lb": _hourly("balancer", "lb_hour", "standard"),
    "azurerm_public_ip": _hourly("address", "ipv4_hour", "static-standard"),
    "azurerm_storage_account": _blob,
    "azurerm_container_registry": _acr,
    "azurerm_key_vault_key": _vault_key,
}

_BY_USE = {
    "aws_cloudwatch_log_group": "logs cost by the GB, and the plan does not know how many",
    "azurerm_log_analytics_workspace": "logs cost by the GB, and the plan does not know how many",
}
"""What costs by use alone, without a figure anybody could assume."""

_FREE = frozenset(
    """
    aws_budgets_budget aws_default_security_group aws_ecr_lifecycle_policy aws_eks_access_entry
    aws_eks_access_policy_association aws_eks_addon aws_eks_pod_identity_association
    aws_iam_openid_connect_provider aws_iam_role aws_iam_role_policy aws_iam_role_policy_attachment
    aws_internet_gateway aws_kms_alias aws_launch_template aws_route aws_route_table
    aws_route_table_association aws_s3_bucket_lifecycle_configuration
    aws_s3_bucket_ownership_controls aws_s3_bucket_policy aws_s3_bucket_public_access_block
    aws_s3_bucket_server_side_encryption_configuration aws_s3_bucket_versioning aws_subnet aws_vpc
    google_artifact_registry_repository_iam_member google_billing_budget google_compute_network
    google_compute_router google_compute_subnetwork google_kms_crypto_key_iam_member
    google_kms_key_ring google_monitoring_notification_channel google_project_iam_custom_role
    google_project_iam_member google_project_service google_service_account
    google_service_account_iam_member google_storage_bucket_iam_member
    azurerm_consumption_budget_resource_group azurerm_federated_identity_credential
    azurerm_key_vault azurerm_management_lock azurerm_monitor_diagnostic_setting
    azurerm_network_security_group
    azurerm_resource_group azurerm_role_assignment azurerm_role_definition azurerm_storage_container
    azurerm_storage_management_policy azurerm_subnet
    azurerm_subnet_network_security_group_association azurerm_user_assigned_identity
    azurerm_virtual_network
    """.split()  # noqa: SIM905 - so many words read better in lines
)
"""What costs nothing by itself."""
