from decimal import Decimal
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.providers.book import load_book
from deployer.report.documents import describe_infrastructure
from deployer.report.infrastructure import InfrastructureReport, build_infrastructure_report
from deployer.report.rates import Usage
from deployer.report.terraform import read_resources
from deployer.values import Cloud

USAGE = Usage(Decimal(10), Decimal(5))


def resource(kind: str, index: str | None = None, **values: Any) -> dict[str, Any]:
    address = f"{kind}.this" + (f'["{index}"]' if index else "")
    found = {"address": address, "mode": "managed", "type": kind, "values": values}
    return {**found, "index": index} if index else found


def document(*resources: dict[str, Any], region: Any = "us-east-1") -> dict[str, Any]:
    return {
        "format_version": "1.2",
        "variables": {"regions": {"value": {"aws": "us-west-2"}}},
        "planned_values": {
            "root_module": {
                "child_modules": [{"address": "module.a", "resources": list(resources)}]
            }
        },
        "configuration": {
            "provider_config": {
                "aws": {
                    "expressions": {
                        "region": {"constant_value": region} if isinstance(region, str) else region
                    }
                }
            }
        },
    }


def price(*resources: dict[str, Any], region: Any = "us-east-1") -> InfrastructureReport:
    found = read_resources(document(*resources, region=region))
    return build_infrastructure_report(found, load_book(), USAGE)


def bill(report: InfrastructureReport) -> dict[str, str]:
    return {
        c.name: f"{c.monthly.amount:.2f}" if c.monthly else c.unknown for c in report.components
    }


def test_an_eks_pool_is_nodes_and_their_disks() -> None:
    disk = [{"ebs": [{"volume_size": 50, "volume_type": "gp3"}]}]
    report = price(
        resource("aws_eks_cluster"),
        resource(
            "aws_eks_node_group",
            "a",
            instance_types=["m6i.large"],
            capacity_type="ON_DEMAND",
            scaling_config=[{"desired_size": 2}],
        ),
        resource("aws_launch_template", "b", block_device_mappings=[]),
        resource("aws_launch_template", "a", block_device_mappings=disk),
    )
    assert bill(report) == {"control plane": "73.00", "nodes": "140.16", "disks": "8.00"}
    assert report.known_on(Cloud.AWS) == report.known
    assert (report.partial, report.free) == (False, 2)


def test_a_spot_pool_has_the_spot_price() -> None:
    report = price(
        resource(
            "aws_eks_node_group",
            instance_types=["m6i.large"],
            capacity_type="SPOT",
            scaling_config=[{"desired_size": 1}],
        )
    )
    assert bill(report)["nodes"] == f"{Decimal('0.0425') * 730:.2f}"


@pytest.mark.parametrize(
    ("values", "nodes"),
    [
        ({"autoscaling": [{"total_min_node_count": 2}]}, 2),
        ({"autoscaling": [{"min_node_count": 1}]}, 3),
        ({"node_count": 2, "node_locations": ["a", "b"]}, 4),
        ({"node_count": 2, "location": "us-central1-b"}, 2),
    ],
)
def test_gke_counts_nodes_per_zone_unless_told_otherwise(
    values: dict[str, Any], nodes: int
) -> None:
    node = [{"machine_type": "e2-standard-2", "disk_size_gb": 100}]
    pool = {"location": "us-central1", **values, "node_config": node}
    report = price(resource("google_container_node_pool", **pool))
    assert bill(report)["disks"] == f"{10 * nodes:.2f}"


def test_autopilot_bills_pods_which_a_plan_does_not_know() -> None:
    cluster = resource("google_container_cluster", location="us-central1", enable_autopilot=True)
    assert bill(price(cluster)) == {
        "control plane": "73.00",
        "pods": "Autopilot bills what pods ask for, and the plan has no pods",
    }


def test_an_aks_pool_is_where_its_cluster_is() -> None:
    pool: dict[str, Any] = {"vm_size": "Standard_D2s_v5", "min_count": 1, "os_disk_size_gb": 100}
    report = price(
        resource(
            "azurerm_kubernetes_cluster",
            location="East US",
            sku_tier="Free",
            default_node_pool=[pool],
        ),
        resource("azurerm_kubernetes_cluster_node_pool", **pool),
    )
    assert {r.region for r in report.resources} == {"eastus", ""}
    assert bill(report)["nodes"] == "70.08"
    assert bill(report)["disks"] == "19.71"
    assert bill(report)["control plane"] == "0.00"


def test_what_has_no_price_is_unknown_and_never_free() -> None:
    report = price(resource("aws_eip"), resource("aws_rds_cluster"))
    assert report.partial
    assert report.known.amount == 0
    reasons = [component.unknown for component in report.components]
    assert reasons == [
        "no price for ipv4_hour in us-east-1; the book has no ipv4_hour of aws",
        "no rate is known for aws_rds_cluster",
    ]
    assert describe_infrastructure(report)["total"]["monthly"] is None


def test_the_provider_s_region_is_followed_to_its_variable() -> None:
    reference = {"references": ["var.regions.aws", "var.regions"]}
    report = price(resource("aws_eks_cluster"), region=reference)
    assert [r.region for r in report.resources] == ["us-west-2"]
    lost = price(resource("aws_eks_cluster"), region={"references": ["local.region"]})
    assert bill(lost) == {"control plane": "the plan does not say in which region it is"}


def test_a_gateway_endpoint_is_free_and_an_interface_is_not() -> None:
    assert price(resource("aws_vpc_endpoint", vpc_endpoint_type="Gateway")).resources == ()
    assert price(resource("aws_vpc_endpoint", vpc_endpoint_type="Interface")).partial


@pytest.mark.parametrize("wrong", [[], {}, {"format_version": "1.2"}, None])
def test_what_is_no_plan_is_bad_input(wrong: Any) -> None:
    with pytest.raises(SourceError, match="no plan of Terraform's"):
        read_resources(wrong)


def test_a_plan_of_another_format_is_refused() -> None:
    with pytest.raises(SourceError, match=r"format 2\.0"):
        read_resources({"format_version": "2.0", "planned_values": {}})
