"""Reads what advice is made of: prices of other places, samples, what lies in the stores."""

from pathlib import Path
from typing import TYPE_CHECKING

from deployer.cli import output
from deployer.errors import DeployerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.reading import Deployment, Reader
    from deployer.cost.advice.advice import Rules
    from deployer.cost.advice.move import Offer
    from deployer.report.advice import AdviceReport
    from deployer.report.cost import CostReport
    from deployer.upkeep import Survey, Upkeep

__all__ = ["read_advice"]


def read_advice(
    reader: "Reader",
    seen: "Deployment",
    cost: "CostReport",
    *,
    samples: Path | None = None,
    rules: "Rules | None" = None,
    upkeep: "Upkeep | None" = None,
) -> "AdviceReport":
    """Return what could cost less; without ``upkeep`` nothing is said of what lies in the stores.

    Raises:
        SourceError: The samples, or the user's own prices, cannot be read.
    """
    from deployer.cost.samples import read_samples
    from deployer.report.advice import build_advice

    return build_advice(
        cost,
        seen.bundles,
        {target: provider.prices for target, provider in reader.providers.items()},
        offers=_read_offers(reader),
        samples=read_samples(samples) if samples else (),
        survey=_survey(upkeep) if upkeep else None,
        rules=rules,
    )


def _read_offers(reader: "Reader") -> "Sequence[Offer]":
    """Return every machine with a price on demand: one's own prices come first."""
    from deployer.cost.advice.move import Offer
    from deployer.pricing import read_price_entries

    own = reader.spec.locate(reader.spec.prices) if reader.spec.prices else None
    entries = [*(read_price_entries(own) if own else ()), *read_price_entries()]
    offers: dict[object, Offer] = {}
    for entry in entries:
        key = entry.key
        if key.kind == "instance" and key.option == "on-demand" and key.region != "*":
            offers.setdefault(key, Offer(key.cloud, key.region, key.sku, entry.price))
    return tuple(offers.values())


def _survey(upkeep: "Upkeep") -> "Survey | None":
    """Return what lies in the stores; None, told, when what is referred to cannot be read."""
    from deployer.upkeep import survey_artifacts

    try:
        return survey_artifacts(upkeep)
    except DeployerError as error:
        output.print_note(f"nothing is said of the stores: {error.message}")
        return None
