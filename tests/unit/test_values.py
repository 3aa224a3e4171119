from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.values import Digest, Money, canonical_json, digest_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_the_order_of_keys_does_not_change_a_digest(document: dict[str, object]) -> None:
    backwards = dict(reversed(document.items()))
    assert canonical_json(document) == canonical_json(backwards)
    assert digest_of(document) == digest_of(backwards)


def test_a_digest_reads_what_it_writes() -> None:
    digest = digest_of({"a": 1})
    assert Digest.parse(str(digest)) == digest
    assert Digest.parse(digest.hex) == digest


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:abc", "md5:" + "0" * 64, "G" * 64])
def test_anything_else_is_no_digest(text: str) -> None:
    with pytest.raises(ValueError, match="not a sha256"):
        Digest.parse(text)


def test_money_adds_within_one_currency_only() -> None:
    assert Money(Decimal("1.10")) + Money(Decimal("2.20")) == Money(Decimal("3.30"))
    with pytest.raises(ValueError, match="cannot add EUR to USD"):
        Money(Decimal(1)) + Money(Decimal(1), "EUR")
