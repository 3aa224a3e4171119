from datetime import UTC, date, datetime, timedelta

import pytest

from deployer.ports import Certificate
from deployer.release.survey import StateSurvey
from deployer.report.certificate import see_certificate
from deployer.report.evidence import Sight
from deployer.report.surroundings import Surroundings, look_around

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("life_days", "left_days", "sight"),
    [
        (90, 30, Sight.GOOD),
        (90, 14, Sight.PARTLY),
        (365, 15, Sight.GOOD),
        (6, 2, Sight.GOOD),
        (6, 1, Sight.PARTLY),
    ],
)
def test_a_certificate_is_doubtful_when_it_should_have_been_renewed(
    life_days: int, left_days: int, sight: Sight
) -> None:
    ends = NOW + timedelta(days=left_days)
    seen = see_certificate(Certificate(ends - timedelta(days=life_days), ends), NOW)
    assert (seen.source, seen.sight) == ("certificate", sight)
    assert f"on {ends:%Y-%m-%d}" in seen.says


@pytest.mark.parametrize(
    ("answered", "silent", "sight"),
    [(3, 0, Sight.GOOD), (2, 1, Sight.PARTLY), (1, 2, Sight.BAD), (4, 1, Sight.GOOD)],
)
def test_the_state_is_doubtful_when_it_cannot_spare_another_store(
    answered: int, silent: int, sight: Sight
) -> None:
    survey = StateSurvey(
        tuple(f"s3://{n}" for n in range(answered)),
        majority=(answered + silent) // 2 + 1,
        silent={f"gs://{n}": "connect failed" for n in range(silent)},
    )
    (seen,) = look_around(Surroundings(survey), NOW)
    assert (seen.source, seen.sight) == ("state", sight)


@pytest.mark.parametrize(
    ("as_of", "sight", "says"),
    [
        (date(2026, 11, 1), Sight.GOOD, "22 days old"),
        (date(2025, 10, 1), Sight.PARTLY, "418 days old"),
        (date(2026, 12, 1), Sight.PARTLY, "in the future"),
    ],
)
def test_prices_that_are_old_or_from_the_future_are_told(
    as_of: date, sight: Sight, says: str
) -> None:
    (seen,) = look_around(Surroundings(prices_as_of=as_of), NOW)
    assert (seen.sight, says in seen.says) == (sight, True)
