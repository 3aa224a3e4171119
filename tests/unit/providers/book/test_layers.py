from decimal import Decimal
from pathlib import Path

import pytest

from deployer.errors import SourceError
from deployer.ports import Price, PriceQuery, UnknownPrice
from deployer.providers.book import LayeredPrices, load_book, read_book
from deployer.providers.book.entry import COLUMNS
from deployer.values import Cloud

MINE = PriceQuery(Cloud.AWS, "us-east-1", "instance", "m6i.xlarge")


@pytest.fixture
def own(tmp_path: Path) -> LayeredPrices:
    """Return the book with a negotiated price and a machine nobody sells."""
    rows = (
        "aws,us-east-1,instance,m6i.xlarge,on-demand,,hour,0.15,4,16,,,2026-11-01,high,contract,",
        "kubernetes,*,instance,rack-7,on-demand,,hour,0.36,32,256,,,2026-11-01,medium,ours,",
    )
    (tmp_path / "own.csv").write_text("\n".join((",".join(COLUMNS), *rows)) + "\n")
    return LayeredPrices(read_book(tmp_path / "own.csv"), load_book())


def amount(found: Price | UnknownPrice) -> Decimal:
    assert isinstance(found, Price)
    return found.money.amount


def test_ones_own_price_comes_first_and_the_book_answers_for_the_rest(own: LayeredPrices) -> None:
    assert amount(own.find(MINE)) == Decimal("0.15")
    other = PriceQuery(Cloud.AWS, "us-east-1", "instance", "m6i.large")
    assert amount(own.find(other)) == Decimal("0.096")
    egress = PriceQuery(Cloud.AWS, "us-east-1", "egress_internet")
    assert own.find_tiers(egress) == load_book().find_tiers(egress)


def test_a_machine_of_ones_own_has_a_price(own: LayeredPrices) -> None:
    assert amount(own.find(PriceQuery(Cloud.KUBERNETES, "", "instance", "rack-7"))) == Decimal(
        "0.36"
    )
    found = own.find(PriceQuery(Cloud.KUBERNETES, "", "instance", "rack-8"))
    assert isinstance(found, UnknownPrice)


def test_the_newest_date_counts(own: LayeredPrices) -> None:
    assert own.as_of.isoformat() == "2026-11-01"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nonsense\n", "the columns of a price book are"),
        (",".join(COLUMNS) + "\n", "a price book without prices"),
    ],
)
def test_a_file_that_is_no_book_is_bad_input(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(SourceError, match=why):
        read_book(tmp_path / "own.csv")


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_book(tmp_path / "none.csv")
