"""``deployer prices``: the price book: what is in it, and whether another one can be right."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.providers.book.entry import Entry

__all__ = ["PRICES_SCHEMA", "BookFormat", "check", "machine", "prices", "refresh", "show"]

prices = typer.Typer(no_args_is_help=True, help="Show, refresh and check the price book.")

PRICES_SCHEMA = "deployer/prices/v1"
_OLD_DAYS = 400
_COLUMNS = (
    output.Column("cloud"),
    output.Column("region"),
    output.Column("kind"),
    output.Column("sku"),
    output.Column("option", drop=3),
    output.Column("price", right=True),
    output.Column("unit", drop=2),
    output.Column("as of", drop=1),
    output.Column("confidence", drop=4),
)


class BookFormat(StrEnum):
    """How a book is shown."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    CSV = "csv"


_Own = Annotated[
    Path | None,
    typer.Option("--prices", metavar="FILE", help="Another book, such as the spec's prices."),
]


_MostMove = Annotated[
    float, typer.Option("--most-move", min=0, metavar="PERCENT", help="How far one may move.")
]


@prices.command("show")
def show(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORD]...", help="Only rows with all of these.")
    ] = None,
    own: _Own = None,
    output_format: Annotated[
        BookFormat, typer.Option("--output", "-o", help="table, wide, json or csv.")
    ] = BookFormat.TABLE,
) -> None:
    """Show list prices with their dates.

    Words are looked for in cloud, region, kind, sku and option.

    Example: deployer prices show aws us-east-1 m6i
    """
    from deployer.pricing import read_price_entries
    from deployer.providers.local.clock import SystemClock

    found = [entry for entry in read_price_entries(own) if _matches(entry, words or [])]
    today = SystemClock().now().date()
    match output_format:
        case BookFormat.JSON:
            output.print_json(PRICES_SCHEMA, {"prices": [_describe(entry) for entry in found]})
        case BookFormat.CSV:
            from deployer.providers.book.entry import write_entries

            typer.echo(write_entries(found), nl=False)
        case BookFormat.TABLE | BookFormat.WIDE:
            _print(found, today, wide=output_format is BookFormat.WIDE)


@prices.command("check")
def check(
    book: Annotated[Path, typer.Argument(metavar="FILE", help="The book that would come.")],
    own: _Own = None,
    most_move: _MostMove = 25,
) -> None:
    """Say whether a price book can be right, against the one there is.

    Refused are prices that are not linear within their series, far from other regions, gone, or
    moved far: so look filters that let a Windows or a dedicated machine through. Exits 1 when it is
    refused.

    Example: deployer prices check new.csv
    """
    from deployer.pricing import read_price_entries
    from deployer.providers.book.gate import find_implausible

    new, old = read_price_entries(book), read_price_entries(own)
    _demand_plausible(find_implausible(new, old, most_move=_share(most_move)))
    typer.echo(f"{book} can be right: {format_count(len(new), 'price')}")


@prices.command("refresh")
def refresh(
    words: Annotated[
        list[str], typer.Argument(metavar="WORD...", help="Machines with all of these: aws m6i.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the new book goes.")],
    own: _Own = None,
    most_move: _MostMove = 25,
) -> None:
    """Ask the clouds for machines' prices anew, and write a book.

    AWS by boto3's login, Google Cloud by GOOGLE_API_KEY, Azure without any. What a cloud does not
    list exactly once keeps its price and is named. A book that cannot be right is not written
    (exit 1), and the old one stays. Name it in the spec: prices: FILE.

    Example: deployer prices refresh azure eastus --out prices.csv
    """
    from deployer.pricing import open_price_source, read_price_entries
    from deployer.providers.book.entry import write_entries
    from deployer.providers.book.gate import find_implausible
    from deployer.providers.book.refresh import refresh_entries

    old = read_price_entries(own)
    found = refresh_entries(old, open_price_source, lambda entry: _matches(entry, words))
    for line in found.kept:
        output.print_note(f"kept: {line}")
    _demand_plausible(find_implausible(found.entries, old, most_move=_share(most_move)))
    staged = out.with_name(f"{out.name}.new")
    staged.write_text(write_entries(found.entries), "utf-8")
    staged.replace(out)
    new = found.asked - len(found.kept)
    typer.echo(f"{out}: {format_count(new, 'price')} of {found.asked} anew, the rest as before")


@prices.command("machine")
def machine(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the spec calls it.")],
    purchase: Annotated[
        float, typer.Option("--purchase", metavar="USD", min=0, help="What it cost, in USD.")
    ],
    years: Annotated[
        float, typer.Option("--years", metavar="YEARS", min=0.1, help="How long it will serve.")
    ],
    watts: Annotated[
        float, typer.Option("--watts", metavar="WATTS", min=0, help="What it draws, on average.")
    ],
    kwh: Annotated[
        float, typer.Option("--kwh", metavar="USD", min=0, help="USD per kWh, cooling included.")
    ],
    vcpu: Annotated[
        float, typer.Option("--vcpu", metavar="COUNT", min=0.1, help="Its processors.")
    ],
    memory: Annotated[
        float, typer.Option("--memory", metavar="GIB", min=0.1, help="Its memory, in GiB.")
    ],
    gpus: Annotated[int, typer.Option("--gpus", metavar="COUNT", min=0, help="Its GPUs.")] = 0,
    cloud: Annotated[
        str, typer.Option("--cloud", metavar="CLOUD", help="kubernetes or local.")
    ] = "kubernetes",
) -> None:
    """Print the price book's row of a machine of your own.

    By the hour: what it cost over the hours of its years, and its power.

    Example: deployer prices machine rack-7 --purchase 9000 --years 4 --watts 350 --kwh 0.3
    --vcpu 32 --memory 256
    """
    from dataclasses import replace

    from deployer.cost.own import price_own_machine
    from deployer.providers.book.entry import Entry, Key, write_entries
    from deployer.providers.local.clock import SystemClock
    from deployer.values import Cloud

    if cloud not in (Cloud.KUBERNETES, Cloud.LOCAL):
        raise typer.BadParameter("--cloud is kubernetes or local: clouds have list prices")
    numbers = [Decimal(str(it)) for it in (purchase, years, watts, kwh, vcpu, memory)]
    price = price_own_machine(*numbers[:4], as_of=SystemClock().now().date())
    sized = replace(price, vcpu=numbers[4], memory_gib=numbers[5], gpus=gpus)
    key = Key(Cloud(cloud), "*", "instance", name, "on-demand")
    typer.echo(write_entries([Entry(key, Decimal(0), sized)]), nl=False)


def _demand_plausible(faults: list[str]) -> None:
    for fault in faults:
        typer.echo(fault)
    if faults:
        output.print_note(f"refused: {format_count(len(faults), 'price')} cannot be right")
        raise typer.Exit(1)


def _share(percent: float) -> Decimal:
    return Decimal(str(percent)) / 100


def _matches(entry: "Entry", words: list[str]) -> bool:
    text = " ".join(entry.key).lower()
    return all(word.lower() in text for word in words)


def _print(found: "list[Entry]", today: date, *, wide: bool) -> None:
    rows = [
        [
            entry.key.cloud.value,
            entry.key.region,
            entry.key.kind,
            entry.key.sku or NOTHING,
            entry.key.option,
            f"{entry.price.money.amount} {entry.price.money.currency}",
            entry.price.unit + (f" from {entry.from_gb}" if entry.from_gb else ""),
            entry.price.as_of.isoformat(),
            entry.price.confidence,
        ]
        for entry in found
    ]
    output.print_table(_COLUMNS, rows, wide=wide)
    old = sum((today - entry.price.as_of).days > _OLD_DAYS for entry in found)
    typer.echo(f"\n{format_count(len(found), 'price')}, {old} older than {_OLD_DAYS} days")


def _describe(entry: "Entry") -> dict[str, object]:
    price = entry.price
    return {
        **{name: str(value) for name, value in entry.key._asdict().items()},
        "from": f"{entry.from_gb:f}",
        "unit": price.unit,
        "amount": f"{price.money.amount:f}",
        "currency": price.money.currency,
        "as_of": price.as_of.isoformat(),
        "confidence": price.confidence,
        "source": price.source,
    }
