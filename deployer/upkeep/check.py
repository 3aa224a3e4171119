"""Comparing copies with their manifests."""

from collections.abc import Collection
from dataclasses import dataclass

from deployer.artifact import verify_artifact
from deployer.errors import AccessDeniedError, DeployerError, SetupError, TransientError
from deployer.upkeep.survey import Copy, Survey, Upkeep, survey_artifacts
from deployer.values import Digest

__all__ = ["Verdict", "check_artifacts"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one copy's check, with sentences.

    Attributes:
        state: ``unknown``, or what `VerifyReport.state` says.
    """

    digest: Digest
    url: str
    state: str
    size: int
    problems: tuple[str, ...] = ()


def check_artifacts(
    upkeep: Upkeep, wanted: Collection[Digest] = (), *, deep: bool
) -> tuple[Survey, list[Verdict]]:
    """Check every copy that a release expects, and every other that is complete.

    Args:
        upkeep: The stores.
        wanted: Only these artifacts; all for none.
        deep: Read every byte, instead of comparing sizes and the stores' own checksums.

    Raises:
        StateError: What releases refer to cannot be read.
    """
    survey = survey_artifacts(upkeep, wanted)
    copies = [(holding.digest, copy) for holding in survey.holdings for copy in holding.copies]
    checked = [one for one in copies if one[1].expected or one[1].state == "complete"]
    return survey, [_check(upkeep, digest, copy, deep=deep) for digest, copy in checked]


def _check(upkeep: Upkeep, digest: Digest, copy: Copy, *, deep: bool) -> Verdict:
    try:
        report = verify_artifact(upkeep.places[copy.url].store, digest, deep=deep)
    except (AccessDeniedError, SetupError, TransientError) as error:
        return Verdict(digest, copy.url, "unknown", 0, (error.message,))
    except DeployerError as error:
        return Verdict(digest, copy.url, "damaged", 0, (error.message,))
    return Verdict(digest, copy.url, report.state, report.size, report.problems)
