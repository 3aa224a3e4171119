import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.rendering.quantity import canonical_quantity


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        # As Kubernetes 1.36.3 answers a dry run of a ResourceQuota.
        ("1", "1"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("2.0", "2"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1Ki", "1Ki"),
        ("1024Mi", "1Gi"),
        ("1000Mi", "1000Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.1Ki", "102400m"),
        ("1000k", "1M"),
        ("1.5M", "1500k"),
        ("100u", "1m"),
        ("5n", "1m"),
        ("0", "0"),
        ("0Gi", "0"),
        # These it keeps as they are, or refuses.
        ("1e3", "1e3"),
        ("007", "007"),
        ("3.", "3."),
        ("", ""),
        ("m", "m"),
        ("lots", "lots"),
    ],
)
def test_a_quantity_is_written_as_the_server_writes_it(text: str, canonical: str) -> None:
    assert canonical_quantity(text) == canonical


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"\A[0-9]{1,6}(\.[0-9]{1,3})?(m|k|M|Ki|Mi|Gi)?\Z"))
def test_what_is_canonical_stays_so(text: str) -> None:
    once = canonical_quantity(text)
    assert canonical_quantity(once) == once
