"""Moments as people write them: ``30d`` and ``24h`` ago, or a date or time (UTC)."""

import re
from datetime import UTC, datetime, timedelta

import typer

__all__ = ["parse_moment"]

_AGO = re.compile(r"(\d+)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the moment, UTC.

    Raises:
        typer.BadParameter: It is none of these, or before the year 1.
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no time: write 30d, 24h or 2026-11-01") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
