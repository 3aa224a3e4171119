import csv
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deployer.cost.focus.charge import Charge
from deployer.cost.focus.columns import MANDATORY
from deployer.cost.focus.read import FileNotes, read_charges
from deployer.errors import SourceError

ROW = {
    **dict.fromkeys(MANDATORY, ""),
    "BilledCost": "1.5",
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargePeriodEnd": "2026-11-01T01:00:00Z",
    "ChargePeriodStart": "2026-11-01T00:00:00Z",
    "EffectiveCost": "1.25",
    "ProviderName": "AWS",
    "PricingQuantity": "1",
    "PricingUnit": "Hrs",
    "ServiceCategory": "Compute",
    "ServiceName": "Amazon Elastic Compute Cloud",
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write rows, each with what differs from an ordinary one."""

    def write(*rows: dict[str, str], without: tuple[str, ...] = (), name: str = "b.csv") -> Path:
        full = [{**ROW, "SkuId": str(i), **row} for i, row in enumerate(rows)]
        columns = [column for column in {**ROW, **full[0]} if column not in without]
        file = tmp_path / name
        with file.open("w", newline="") as text:
            writer = csv.DictWriter(text, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(full)
        return file

    return write


def read(file: Path) -> tuple[list[Charge], FileNotes]:
    notes = FileNotes(file)
    return list(read_charges(file, notes)), notes


def test_a_row_is_read_with_its_types(write: Callable[..., Path]) -> None:
    tags = json.dumps({"deployer/name": "iris"})
    ([charge], notes) = read(write({"RegionId": "us-east-1", "Tags": tags}))
    assert (charge.billed, charge.effective) == (Decimal("1.5"), Decimal("1.25"))
    assert charge.began == datetime(2026, 11, 1, tzinfo=UTC)
    assert (charge.region, charge.tags) == ("us-east-1", {"deployer/name": "iris"})
    assert (notes.rows, notes.missing, notes.duplicates) == (1, (), 0)


@pytest.mark.parametrize("null", ["", "NULL", "null"])
def test_a_null_is_no_nought(write: Callable[..., Path], null: str) -> None:
    ([charge], _) = read(write({"EffectiveCost": null, "PricingQuantity": null}))
    assert (charge.effective, charge.quantity) == (None, None)


def test_corrections_credits_and_unused_commitments_keep_their_class(
    write: Callable[..., Path],
) -> None:
    rows = (
        {"ChargeClass": "Correction", "EffectiveCost": "-3", "PricingQuantity": "-1"},
        {"ChargeCategory": "Credit", "EffectiveCost": "-2"},
        {"CommitmentDiscountStatus": "Unused"},
    )
    file = write(*({"ChargeClass": "", "CommitmentDiscountStatus": "", **row} for row in rows))
    (charges, _) = read(file)
    assert [(it.correction, it.category, it.unused) for it in charges] == [
        (True, "Usage", False),
        (False, "Credit", False),
        (False, "Usage", True),
    ]


def test_a_row_that_is_there_twice_counts_once(write: Callable[..., Path]) -> None:
    (charges, notes) = read(write({"SkuId": "a"}, {"SkuId": "a"}, {"SkuId": "b"}))
    assert (len(charges), notes.duplicates) == (2, 1)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"BilledCost": "much"}, "line 2: BilledCost is 'much', which is no number"),
        ({"EffectiveCost": "NaN"}, "line 2: EffectiveCost is NaN"),
        ({"ChargePeriodStart": "monday"}, "ChargePeriodStart is 'monday', which is no time"),
        ({"ChargePeriodEnd": "2020-01-01"}, "ChargePeriodEnd is before ChargePeriodStart"),
        ({"BillingCurrency": "dollars"}, "BillingCurrency is 'dollars'"),
        ({"ChargeCategory": ""}, "ChargeCategory is 'null'"),
        ({"Tags": "{"}, "Tags are no JSON"),
        ({"Tags": "[1]"}, "line 2: Tags are no"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_and_the_file_is_refused(
    write: Callable[..., Path], wrong: dict[str, str], why: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read(write(wrong))
    assert why in str(caught.value)


def test_only_the_first_faults_of_a_hopeless_file_are_told(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError) as caught:
        read(write(*({"BilledCost": "much"} for _ in range(50))))
    assert str(caught.value).count("BilledCost") == 20


def test_a_column_that_is_needed_is_asked_for(write: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="lacks BillingCurrency, EffectiveCost"):
        read(write({}, without=("BillingCurrency", "EffectiveCost")))


def test_a_mandatory_column_that_is_not_read_is_missed_and_told(
    write: Callable[..., Path],
) -> None:
    (charges, notes) = read(write({}, without=("ListCost", "InvoiceIssuerName")))
    assert (len(charges), notes.missing) == (1, ("InvoiceIssuerName", "ListCost"))


def test_a_file_of_a_later_version_is_read_by_what_was_renamed(
    write: Callable[..., Path],
) -> None:
    """1.4 has no ProviderName and PublisherName, and columns nobody here knows."""
    row = {"ServiceProviderName": "Google Cloud", "AllocatedMethodId": "x", "ContractApplied": ""}
    ([charge], notes) = read(write(row, without=("ProviderName", "PublisherName")))
    assert (charge.provider, notes.missing) == ("Google Cloud", ())


def test_a_gzipped_file_is_read_as_it_is(write: Callable[..., Path], tmp_path: Path) -> None:
    packed = tmp_path / "bill.csv.gz"
    packed.write_bytes(gzip.compress(write({}).read_bytes()))
    assert len(read(packed)[0]) == 1


def test_a_parquet_file_is_read_alike(tmp_path: Path) -> None:
    """Values come typed, tags as a map."""
    pa = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'deployer[focus]'")
    parquet = pytest.importorskip("pyarrow.parquet")
    values: dict[str, Any] = {
        **ROW,
        "EffectiveCost": Decimal("1.25"),
        "BilledCost": None,
        "ChargePeriodStart": datetime(2026, 11, 1, tzinfo=UTC),
        "ChargePeriodEnd": datetime(2026, 11, 1, 1, tzinfo=UTC),
    }
    table = pa.table({name: [value] for name, value in values.items()})
    tags = pa.array([[("team", "ml")]], pa.map_(pa.string(), pa.string()))
    parquet.write_table(table.append_column("Tags", tags), tmp_path / "bill.parquet")
    ([charge], _) = read(tmp_path / "bill.parquet")
    assert (charge.effective, charge.billed, charge.tags) == (Decimal("1.25"), None, {"team": "ml"})


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("bill.csv", b"", "it lacks BilledCost"),
        ("bill.csv", b"\xff\xfe\x00", "is no CSV file"),
        ("bill.csv", b"A,A\n", "has two columns A"),
        ("bill.csv.gz", b"no gzip", "cannot be read|is no CSV"),
        ("bill.parquet", b"no parquet at all", "is no Parquet file|cannot be read"),
    ],
)
def test_what_is_no_bill_is_said_so(tmp_path: Path, name: str, body: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(SourceError, match=why):
        read(tmp_path / name)


def test_a_row_of_another_length_is_named(write: Callable[..., Path]) -> None:
    file = write({})
    file.write_text(file.read_text() + "1,2,3\n")
    with pytest.raises(SourceError, match="line 3: 3 columns"):
        read(file)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read(tmp_path / "none.csv")
