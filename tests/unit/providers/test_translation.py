import pytest

from deployer.errors import SetupError, TransientError
from deployer.providers.translation import build_error, cut_text, seconds_of


def test_text_is_one_line_and_short() -> None:
    assert cut_text("a\n  b\tc") == "a b c"
    assert cut_text("x" * 500, 10) == "x" * 9 + "…"


def test_an_error_says_what_where_and_why() -> None:
    error = build_error(SetupError, "no such bucket", operation="read", resource="s3://acme")
    assert error.message == "cannot read s3://acme: no such bucket"


def test_advice_on_waiting_is_kept_where_it_helps() -> None:
    error = build_error(
        TransientError, "busy", operation="read", resource="s3://a", retry_after_seconds=3
    )
    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 3


@pytest.mark.parametrize(
    ("header", "seconds"), [("3", 3.0), (" 10 ", 10.0), ("Wed, 21 Oct 2026", None), (None, None)]
)
def test_only_seconds_are_read_from_retry_after(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header) == seconds
