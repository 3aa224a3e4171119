from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from deployer.cost.exchange import ExchangeRate, read_exchange
from deployer.errors import SourceError

TODAY = date(2026, 11, 23)
HEAD = "currency,usd,as_of,source\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "rates.csv"
    file.write_text(text)
    return file


def test_a_rate_has_a_day_and_a_source(tmp_path: Path) -> None:
    found = read_exchange(write(tmp_path, HEAD + "EUR,1.08,2026-11-20,ECB\n"), TODAY)
    assert found == {"EUR": ExchangeRate("EUR", Decimal("1.08"), date(2026, 11, 20), "ECB")}
    assert str(found["EUR"]) == "1 EUR = 1.08 USD of 2026-11-20 (ECB)"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("currency,usd\n", "its columns are currency,usd,as_of,source"),
        (HEAD + "euro,1.08,2026-11-20,ECB\n", "line 2: 'euro' is no currency"),
        (HEAD + "EUR,0,2026-11-20,ECB\n", "0 is no rate"),
        (HEAD + "EUR,NaN,2026-11-20,ECB\n", "is no rate"),
        (HEAD + "EUR,many,2026-11-20,ECB\n", "line 2"),
        (HEAD + "EUR,1,2026-11-24,ECB\n", "in the future"),
        (HEAD + "EUR,1,2026-11-20,\n", "has no source"),
        (HEAD + "EUR,1,2026-11-20\n", "line 2"),
        (HEAD + "EUR,1,2026-11-20,ECB\n" * 2, "EUR is there twice"),
    ],
)
def test_a_rate_that_cannot_be_right_is_refused_with_its_line(
    tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read_exchange(write(tmp_path, text), TODAY)
    assert why in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_exchange(tmp_path / "none.csv", TODAY)
