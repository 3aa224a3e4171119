"""What was billed: files of the user's own, and what a cloud itself says."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

import typer

from deployer.cost.exchange import ExchangeRate, read_exchange
from deployer.cost.focus.actuals import make_charge
from deployer.cost.focus.bill import Bill, add_up
from deployer.cost.focus.charge import Charge
from deployer.cost.focus.read import FileNotes, read_charges
from deployer.pricing import open_actuals
from deployer.values import Cloud

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.cli.ran import Sources
    from deployer.cli.reading import Reader
    from deployer.cost.ran import Window

__all__ = ["read_bill"]


def read_bill(
    reader: "Reader", sources: "Sources", window: "Window"
) -> tuple[Bill | None, list[FileNotes]]:
    """Read all that says what was billed in the time; no bill when nobody was asked.

    Raises:
        SourceError: A file cannot be read.
        AccessDeniedError, TransientError, SetupError: AWS cannot be asked.
    """
    notes = [FileNotes(file) for file in sources.billed]
    if not notes and not sources.cost_explorer:
        return None, []
    tag = _split(sources.tag)
    charges = chain.from_iterable(read_charges(note.file, note) for note in notes)
    rates: Mapping[str, ExchangeRate] = {}
    if sources.rates is not None:
        rates = read_exchange(sources.rates, reader.clock.now().date())
    wanted = _filter(tag)
    if sources.cost_explorer:
        return _join(reader, window, tag, filter(wanted, charges), rates), notes
    return add_up(charges, window.began, window.ended, wanted, rates), notes


def _join(
    reader: "Reader",
    window: "Window",
    tag: tuple[str, str] | None,
    charges: Iterator[Charge],
    rates: "Mapping[str, ExchangeRate]",
) -> Bill:
    every = chain(charges, _ask_aws(reader, window, tag))
    return add_up(every, window.began, window.ended, rates=rates)


def _ask_aws(reader: "Reader", window: "Window", tag: tuple[str, str] | None) -> Iterator[Charge]:
    """Ask once for each region of the targets on AWS: each page costs a cent."""
    aws = {target.region for target in reader.spec.targets if target.provider is Cloud.AWS}
    if not aws:
        raise typer.BadParameter("--cost-explorer: the spec has no target on AWS")
    actuals = open_actuals()
    for region in sorted(aws):
        for charged in actuals.read(region, window.began.date(), window.ended.date(), tag):
            yield make_charge(charged, "AWS")


def _split(tag: str | None) -> tuple[str, str] | None:
    if tag is None:
        return None
    key, equals, value = tag.partition("=")
    if not equals:
        raise typer.BadParameter(f"--billed-tag {tag} is not KEY=VALUE")
    return key, value


def _filter(tag: tuple[str, str] | None) -> Callable[[Charge], bool]:
    if tag is None:
        return lambda _: True
    key, value = tag
    return lambda charge: charge.tags.get(key) == value
