"""Making damaged and missing copies whole from the good ones elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass

from deployer.artifact import Repaired, repair_artifact
from deployer.errors import DeployerError
from deployer.upkeep.survey import Copy, Survey, Upkeep, survey_artifacts
from deployer.values import Digest

__all__ = ["Mended", "mend_artifacts"]


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of one copy: what was repaired, or why it could not be.

    Attributes:
        deep: Whether every byte of it was read.
    """

    digest: Digest
    url: str
    deep: bool
    repaired: Repaired | None
    error: DeployerError | None = None

    @property
    def state(self) -> str:
        """``repaired``, ``damaged``, ``good``; ``complete`` for what was compared by less."""
        if self.repaired is None:
            return "damaged"
        if self.repaired.changed:
            return "repaired"
        return "good" if self.deep else "complete"


def mend_artifacts(
    upkeep: Upkeep, wanted: Collection[Digest] = (), *, deep: bool
) -> tuple[Survey, list[Mended]]:
    """Repair every copy that a release expects; the others are nobody's loss and are left alone.

    Args:
        upkeep: The stores.
        wanted: Only these artifacts; all for none.
        deep: Find damage by reading every byte.

    Raises:
        StateError: What releases refer to cannot be read.
    """
    survey = survey_artifacts(upkeep, wanted)
    expected = [
        (holding.digest, copy)
        for holding in survey.holdings
        for copy in holding.copies
        if copy.expected
    ]
    return survey, [_mend(upkeep, digest, copy, deep=deep) for digest, copy in expected]


def _mend(upkeep: Upkeep, digest: Digest, copy: Copy, *, deep: bool) -> Mended:
    others = [place.store for url, place in upkeep.places.items() if url != copy.url]
    store = upkeep.places[copy.url].store
    try:
        return Mended(digest, copy.url, deep, repair_artifact(store, digest, others, deep=deep))
    except DeployerError as error:
        return Mended(digest, copy.url, deep, None, error)
