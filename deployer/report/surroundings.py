"""What every target has in common: the state's stores, and how old the prices are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from deployer.cost.warnings import MOST_DAYS
from deployer.release.survey import StateSurvey
from deployer.report.evidence import Evidence, Sight

__all__ = ["Surroundings", "look_around"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was seen of them; None of what was not looked at."""

    survey: StateSurvey | None = None
    prices_as_of: date | None = None


def look_around(seen: Surroundings, now: datetime) -> tuple[Evidence, ...]:
    """Return the witnesses' words."""
    return tuple(_witnesses(seen, now))


def _witnesses(seen: Surroundings, now: datetime) -> Iterator[Evidence]:
    if seen.survey is not None:
        yield Evidence("state", *_see_state(seen.survey))
    if seen.prices_as_of is not None:
        yield Evidence("prices", *_see_prices(seen.prices_as_of, now.date()))


def _see_state(survey: StateSurvey) -> tuple[Sight, str]:
    """Bad without a majority; partly when the next store that is lost takes it away."""
    every = len(survey.answered) + len(survey.silent)
    says = f"{len(survey.answered)} of {every} state stores answer, {survey.majority} are needed"
    if survey.silent:
        reasons = (f"{url}: {why}" for url, why in survey.silent.items())
        says = f"{says}; {'; '.join(reasons)}"
    if survey.spare < 0:
        return Sight.BAD, says
    return (Sight.PARTLY if survey.silent and not survey.spare else Sight.GOOD), says


def _see_prices(as_of: date, today: date) -> tuple[Sight, str]:
    days = (today - as_of).days
    if days < 0:
        return Sight.PARTLY, f"the price book is of {as_of}, which is in the future"
    sight = Sight.GOOD if days <= MOST_DAYS else Sight.PARTLY
    return sight, f"the newest price is {days} days old"
