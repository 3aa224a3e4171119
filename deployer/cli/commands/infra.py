"""``deployer infra``: what Terraform would build."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.cli.options import Format, Output
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cost.component import Component
    from deployer.report.infrastructure import InfrastructureReport, PricedResource

__all__ = ["cost", "infra"]

infra = typer.Typer(no_args_is_help=True, help="Say what the infrastructure costs.")

_COLUMNS = (
    output.Column("resource"),
    output.Column("region", drop=2),
    output.Column("what", drop=1),
    output.Column("USD/month", right=True),
)
_WIDE_COLUMNS = (*_COLUMNS, output.Column("basis"))


@infra.callback()
def _group() -> None:
    """Keep ``cost`` a word of its own, though it is the only one."""


@infra.command("cost")
def cost(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="What `terraform show -json` printed.")
    ],
    store_gb: Annotated[
        float, typer.Option("--store-gb", min=0, metavar="GB", help="Assumed in each store.")
    ] = 10,
    image_gb: Annotated[
        float, typer.Option("--image-gb", min=0, metavar="GB", help="Assumed in each registry.")
    ] = 5,
    output_format: Output = Format.TABLE,
) -> None:
    """Estimate what a month of a Terraform plan costs.

    Clusters, nodes, NAT, load balancers, stores and registries, at list prices of the price book.
    What has no price is unknown and listed, and never counted as zero.

    Example: deployer infra cost plan.json
    """
    from decimal import Decimal

    from deployer.cli.reading_json import read_json
    from deployer.pricing import open_prices
    from deployer.report.infrastructure import build_infrastructure_report
    from deployer.report.rates import Usage
    from deployer.report.terraform import read_resources

    resources = read_resources(read_json(plan))
    usage = Usage(Decimal(str(store_gb)), Decimal(str(image_gb)))
    built = build_infrastructure_report(resources, open_prices(), usage)
    if output_format is Format.JSON:
        from deployer.report.documents import INFRASTRUCTURE_SCHEMA, describe_infrastructure

        output.print_json(INFRASTRUCTURE_SCHEMA, describe_infrastructure(built))
    else:
        _print(built, wide=output_format is Format.WIDE)


def _print(built: "InfrastructureReport", *, wide: bool) -> None:
    typer.echo(_headline(built))
    if built.resources:
        typer.echo()
        rows = [row for resource in built.resources for row in _rows(resource, wide=wide)]
        footer = ["a month", "", "", _total(built.components), *([""] if wide else [])]
        columns = _WIDE_COLUMNS if wide else _COLUMNS
        output.print_table(columns, rows, footer=footer, wide=wide)
    typer.echo()
    for line in _unknowns(built):
        typer.echo(line)
    if built.free:
        typer.echo(f"of no cost by themselves: {format_count(built.free, 'resource')}")
    typer.echo("assumed:")
    for assumption in built.assumptions:
        typer.echo(f"  {assumption}")


def _headline(built: "InfrastructureReport") -> str:
    if not built.resources:
        return "this plan has nothing in it that costs something by itself"
    words = "a partial estimate" if built.partial else "an estimate"
    total = _total(built.components)
    currency = built.known.currency
    return (
        f"{total} {currency} a month for {format_count(len(built.resources), 'resource')} ({words})"
    )


def _rows(resource: "PricedResource", *, wide: bool) -> list[list[str]]:
    return [
        [
            resource.address,
            resource.region or NOTHING,
            component.name,
            f"{component.monthly.amount:,.2f}" if component.monthly else "unknown",
            *([component.basis] if wide else []),
        ]
        for component in resource.components
    ]


def _total(components: "Sequence[Component]") -> str:
    from deployer.cost.component import known_sum

    unknown = any(component.monthly is None for component in components)
    amount = f"{known_sum(components).amount:,.2f}"
    return f"{amount} + unknown" if unknown else amount


def _unknowns(built: "InfrastructureReport") -> list[str]:
    """Return each reason once, with how many components it keeps from being priced."""
    reasons: dict[str, int] = {}
    for component in built.components:
        if component.monthly is None:
            reasons[component.unknown] = reasons.get(component.unknown, 0) + 1
    return [f"unknown ({count} x): {reason}" for reason, count in reasons.items()]
