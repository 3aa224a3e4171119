"""Reads what an outlook is made of: every release of the time it looks at, and samples."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.cli.reading import Reader
    from deployer.release.records import Bundle, Head
    from deployer.report.cost import CostReport
    from deployer.report.outlook import Outlook

__all__ = ["read_outlook"]


def read_outlook(
    reader: "Reader",
    head: "Head",
    cost: "CostReport",
    samples: Path | None,
    known: "dict[int, Bundle] | None" = None,
) -> "Outlook":
    """Return the deployment's month; releases that are ``known`` are not read again.

    Raises:
        SourceError: The samples cannot be read.
        StateError: A release cannot be read.
    """
    from deployer.cli.reading import read_releases
    from deployer.cost.samples import read_samples
    from deployer.report.outlook import begin_outlook, build_outlook

    now = cost.at
    bundles = known if known is not None else {}
    wanted = {
        span.release for span in head.spans if span.ended is None or span.ended > begin_outlook(now)
    }
    bundles |= read_releases(reader, wanted - set(bundles))
    return build_outlook(
        head,
        bundles,
        cost,
        books={target: provider.prices for target, provider in reader.providers.items()},
        budget=reader.spec.budget,
        samples=read_samples(samples) if samples else (),
        now=now,
    )
