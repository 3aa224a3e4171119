import csv
import io
from collections import defaultdict
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.ports import Price, PriceQuery, Prices, UnknownPrice
from deployer.providers.book import PriceBook, load_book, parse_book
from deployer.values import Cloud, Money

TEXT = (files("deployer.providers.book") / "book.csv").read_text("utf-8")
ROWS = list(csv.DictReader(io.StringIO(TEXT)))
HEAD = TEXT.splitlines()[0]
GOOD = "aws,mars-1,instance,m6i.large,on-demand,,hour,0.1,2,8,0,,2026-01-01,high,a list,"


def find(
    cloud: Cloud, region: str, sku: str, kind: str = "instance", option: str = "on-demand"
) -> Price | UnknownPrice:
    return load_book().find(PriceQuery(cloud, region, kind, sku, option))


def reason(cloud: Cloud, region: str, sku: str, kind: str = "instance") -> str:
    found = find(cloud, region, sku, kind)
    assert isinstance(found, UnknownPrice)
    return found.reason


def test_the_book_is_a_price_port() -> None:
    book: Prices = load_book()
    assert book.as_of == date(2026, 7, 30)


@pytest.mark.parametrize(
    ("cloud", "region", "sku", "hourly"),
    [
        # Shared tenancy and Linux; dedicated would be 0.2112.
        (Cloud.AWS, "us-east-1", "m6i.xlarge", "0.192"),
        # Linux; Windows would be 0.376.
        (Cloud.AZURE, "eastus", "Standard_D4s_v5", "0.192"),
        (Cloud.AZURE, "eastus", "D4s_v5", "0.192"),
    ],
)
def test_known_machines_have_the_list_price(
    cloud: Cloud, region: str, sku: str, hourly: str
) -> None:
    price = find(cloud, region, sku)
    assert isinstance(price, Price)
    assert price.money == Money(Decimal(hourly))
    assert (int(price.vcpu), int(price.memory_gib), price.unit) == (4, 16, "hour")


def test_gpus_come_from_the_table_and_never_from_the_name() -> None:
    one, four = (
        find(Cloud.AZURE, "eastus", "NC24ads_A100_v4"),
        find(Cloud.AZURE, "eastus", "NC96ads_A100_v4"),
    )
    assert isinstance(one, Price)
    assert isinstance(four, Price)
    assert (one.gpus, four.gpus) == (1, 4)


def test_spot_is_asked_for_by_name_and_is_cheaper() -> None:
    spot = find(Cloud.AWS, "us-east-1", "m6i.large", option="spot")
    assert isinstance(spot, Price)
    assert spot.money.amount == Decimal("0.0425")
    assert spot.confidence == "low"


def test_a_price_for_every_region_answers_for_each() -> None:
    price = find(Cloud.GCP, "us-west9", "gke", "control_plane_hour")
    assert isinstance(price, Price)
    assert price.money.amount == Decimal("0.1")


def test_the_first_tier_that_costs_anything_is_the_price_of_a_graduated_one() -> None:
    price = find(Cloud.AZURE, "eastus", "isp", "egress_internet")
    assert isinstance(price, Price)
    assert price.money.amount == Decimal("0.08")


def test_a_list_price_of_zero_is_a_price() -> None:
    free = find(Cloud.AZURE, "eastus", "aks-free", "control_plane_hour")
    assert isinstance(free, Price)
    assert free.money.amount == 0


def test_an_unknown_machine_names_its_neighbours() -> None:
    assert reason(Cloud.AWS, "us-east-1", "m9.large").split("; ") == [
        "no price for m9.large in us-east-1",
        "the book knows m6i.large, m7i.large, m6i.xlarge, … there",
    ]


def test_an_unknown_region_names_where_the_machine_is_known() -> None:
    assert reason(Cloud.AWS, "sa-east-1", "m6i.large") == (
        "no price for m6i.large in sa-east-1; "
        "the book knows it in ap-southeast-1, eu-central-1, eu-west-1, …"
    )


def test_an_unknown_machine_in_an_unknown_region_names_the_known_regions() -> None:
    assert reason(Cloud.GCP, "mars-1", "z9") == (
        "no price for z9 in mars-1; "
        "the book knows gcp instance in asia-southeast1, europe-west1, europe-west4, …"
    )


def test_a_kind_the_book_does_not_have_is_named() -> None:
    assert reason(Cloud.AWS, "us-east-1", "", "coffee") == (
        "no price for coffee in us-east-1; the book has no coffee of aws"
    )


@pytest.mark.parametrize(
    ("cloud", "why"),
    [
        (Cloud.LOCAL, "a local machine has no list price"),
        (Cloud.KUBERNETES, "a cluster of one's own has no list price"),
    ],
)
def test_what_nobody_sells_has_no_price(cloud: Cloud, why: str) -> None:
    assert reason(cloud, "", "m6i.large") == why


def test_no_machine_type_is_said_as_such() -> None:
    assert reason(Cloud.AWS, "us-east-1", "") == "no machine type is given"


def test_a_withheld_outlier_stays_unknown() -> None:
    assert "no price for Standard_D4as_v5 in northeurope" in reason(
        Cloud.AZURE, "northeurope", "Standard_D4as_v5"
    )


def test_a_price_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"two prices for aws mars-1 instance m6i\.large"):
        parse_book("\n".join([HEAD, GOOD, GOOD.replace("0.1,", "0.3,")]))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("a list", "", "source is missing"),
        ("2026-01-01", "", "as_of is missing"),
        ("2026-01-01", "soon", "soon"),
        ("high", "sure", "confidence is one of"),
        ("0.1", "-0.1", "usd is -0.1"),
        ("0.1", "NaN", "usd is NaN"),
        ("0.1", "ten", "line 2"),
        (",0.1,", ",0,", "a price above 0"),
        ("aws", "oracle", "oracle"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(old: str, new: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_book(f"{HEAD}\n{GOOD.replace(old, new)}\n")


def test_an_empty_book_and_a_foreign_one_are_refused() -> None:
    with pytest.raises(ValueError, match="without prices"):
        parse_book(HEAD)
    with pytest.raises(ValueError, match="the columns of a price book"):
        parse_book("a,b\n1,2\n")


@given(st.permutations([*range(5)]))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    tiers = [
        f"gcp,mars-1,egress_internet,,on-demand,{100 * i},GB,0.{9 - i},,,,,2026-01-0{i + 1},high,x,"
        for i in order
    ]
    book = parse_book("\n".join([HEAD, *tiers]))
    price = book.find(PriceQuery(Cloud.GCP, "mars-1", "egress_internet"))
    assert isinstance(price, Price)
    assert price.money.amount == Decimal("0.9")
    assert book.as_of == date(2026, 1, 5)


def test_every_row_has_source_date_and_confidence() -> None:
    assert len(ROWS) > 800
    for row in ROWS:
        assert row["source"]
        assert date(2020, 1, 1) < date.fromisoformat(row["as_of"]) <= load_book().as_of
        assert row["confidence"] in {"high", "medium", "low"}


def test_every_row_can_be_found() -> None:
    book: PriceBook = load_book()
    for row in ROWS:
        query = PriceQuery(
            Cloud(row["cloud"]), row["region"], row["kind"], row["sku"], row["option"]
        )
        assert isinstance(book.find(query), Price), query


def test_machines_without_gpus_are_linear_per_vcpu_within_their_family() -> None:
    """A size series that is not linear within 1 % holds a foreign meter (another OS or tenancy)."""
    per_vcpu: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    for row in machines():
        if not row["gpu_type"]:
            size = Decimal(row["vcpu"])
            per_vcpu[row["cloud"], row["region"], family(row)].append(Decimal(row["usd"]) / size)
    assert max(len(prices) for prices in per_vcpu.values()) >= 4
    for key, prices in per_vcpu.items():
        assert max(prices) / min(prices) < Decimal("1.01"), key


def test_no_region_is_far_from_the_median_of_its_machine() -> None:
    by_machine: dict[str, list[Decimal]] = defaultdict(list)
    for row in machines():
        by_machine[row["sku"]].append(Decimal(row["usd"]))
    for sku, prices in by_machine.items():
        median = sorted(prices)[len(prices) // 2]
        assert all(Decimal("0.6") <= price / median <= Decimal("1.6") for price in prices), sku


def test_spot_is_never_dearer_than_on_demand() -> None:
    for row in ROWS:
        if row["option"] == "spot":
            full = find(Cloud(row["cloud"]), row["region"], row["sku"])
            assert isinstance(full, Price)
            assert Decimal(row["usd"]) < full.money.amount


def machines() -> list[dict[str, str]]:
    return [row for row in ROWS if row["kind"] == "instance" and row["option"] == "on-demand"]


def family(row: dict[str, str]) -> str:
    """m6i.large -> m6i; n2-standard-4 -> n2-standard; Standard_D4s_v5 -> Standard_Ds_v5."""
    sku = row["sku"]
    if row["cloud"] == "aws":
        return sku.partition(".")[0]
    if row["cloud"] == "gcp":
        return sku.rpartition("-")[0]
    first, middle, rest = sku.split("_", 2)
    return "_".join([first, "".join(c for c in middle if not c.isdigit()), rest])
