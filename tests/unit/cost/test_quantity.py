from decimal import Decimal

import pytest

from deployer.cost.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"),
        ("0.5", "0.5"),
        ("500m", "0.5"),
        ("2k", "2000"),
        ("1M", "1000000"),
        ("512Mi", "536870912"),
        ("1Gi", "1073741824"),
        ("1.5Gi", "1610612736"),
        ("1G", "1000000000"),
        ("1Ti", "1099511627776"),
    ],
)
def test_quantities_are_exact(text: str, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "one", "1 Gi", "-1", "1Pi", "1e3"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)
