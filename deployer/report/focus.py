"""What ran as rows of FOCUS 1.2, so that it can stand beside the clouds' own exports.

The allocation columns of 1.3 and ours are ``x_`` columns. All four costs are the list price's: it
is an estimate and no invoice, which ``x_Estimate`` says of every row.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from deployer.cost.component import CURRENCY
from deployer.cost.focus.columns import MANDATORY
from deployer.cost.row import CostRow, Part
from deployer.report.ran import RanReport
from deployer.values import Cloud

__all__ = ["FOCUS_COLUMNS", "write_focus"]

FOCUS_COLUMNS = (
    *MANDATORY, "ChargeFrequency", "ListUnitPrice", "PricingCategory", "RegionId", "ResourceId",
    "ResourceType", "SkuId", "Tags",
    "x_AllocatedMethodId", "x_AllocatedResourceId", "x_Basis", "x_Component", "x_Estimate",
    "x_Part", "x_Release", "x_Target",
)  # fmt: skip
_PROVIDERS = {Cloud.AWS: "AWS", Cloud.GCP: "Google Cloud", Cloud.AZURE: "Microsoft"}
_SERVICES: Mapping[str, tuple[str, str]] = {
    "storage": ("Storage", "Object storage"),
    "disks": ("Storage", "Block storage"),
    "store requests": ("Storage", "Object storage"),
    "balancer": ("Networking", "Load balancer"),
    "canary": ("Networking", "Load balancer"),
    "nat": ("Networking", "NAT gateway"),
    "egress": ("Networking", "Data transfer"),
    "pushes": ("Networking", "Data transfer"),
    "logs": ("Management and Governance", "Logs"),
    "control plane": ("Compute", "Managed Kubernetes"),
}
_MACHINES = ("Compute", "Virtual machines")


def write_focus(report: RanReport, *, method: str) -> tuple[str, int]:
    """Return the rows as CSV, and how many have no price and are left out: a null is not 0.

    Args:
        report: What ran.
        method: How machines were shared out, for ``x_AllocatedMethodId``.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, FOCUS_COLUMNS, lineterminator="\n")
    writer.writeheader()
    priced = [row for row in report.ran.rows if row.amount is not None]
    writer.writerows(_focus_row(row, report.name, method) for row in priced)
    return text.getvalue(), len(report.ran.rows) - len(priced)


def _focus_row(row: CostRow, name: str, method: str) -> dict[str, str]:
    return {
        **dict(_costs(row)),
        **dict(_period(row)),
        **dict(_about(row, name)),
        **_ours(row, method),
    }


def _costs(row: CostRow) -> Iterator[tuple[str, str]]:
    amount = f"{row.amount.amount:f}" if row.amount else ""
    for column in ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"):
        yield column, amount
    yield "BillingCurrency", CURRENCY
    counted = row.quantity is not None and row.unit
    yield "PricingQuantity", f"{row.quantity:f}" if counted else ""
    yield "PricingUnit", row.unit if counted else ""
    yield "ListUnitPrice", f"{row.unit_price.amount:f}" if counted and row.unit_price else ""


def _period(row: CostRow) -> Iterator[tuple[str, str]]:
    first = row.began.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = first.month % 12 + 1
    after = first.replace(year=first.year + (following == 1), month=following)
    yield "BillingPeriodStart", _time(first)
    yield "BillingPeriodEnd", _time(after)
    yield "ChargePeriodStart", _time(row.began)
    yield "ChargePeriodEnd", _time(row.ended)


def _about(row: CostRow, name: str) -> Iterator[tuple[str, str]]:
    category, service = _SERVICES.get(row.component, _MACHINES)
    provider = _PROVIDERS.get(row.cloud, row.cloud.value)
    for column in ("InvoiceIssuerName", "ProviderName", "PublisherName"):
        yield column, provider
    yield "BillingAccountId", name
    yield "BillingAccountName", name
    yield "ChargeCategory", "Usage"
    yield "ChargeClass", ""
    yield "ChargeFrequency", "Usage-Based"
    yield "ChargeDescription", f"{row.component} of release {row.release} on {row.target}"
    yield "PricingCategory", "Standard"
    yield "RegionId", row.region
    yield "ServiceCategory", category
    yield "ServiceName", service
    yield "SkuId", row.sku
    yield "ResourceId", row.target
    yield "ResourceType", "deployment target"
    yield "Tags", json.dumps({"deployer/name": name, "deployer/target": row.target})


def _ours(row: CostRow, method: str) -> dict[str, str]:
    machine = row.part in (Part.ALLOCATED, Part.IDLE, Part.OVERHEAD)
    return {
        "x_AllocatedMethodId": method if machine else "",
        "x_AllocatedResourceId": f"{row.target}/{row.release}" if machine else "",
        "x_Basis": row.basis,
        "x_Component": row.component,
        "x_Estimate": "true",
        "x_Part": row.part.value,
        "x_Release": str(row.release),
        "x_Target": row.target,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
