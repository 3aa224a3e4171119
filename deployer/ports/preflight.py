"""What is found before anything is touched: what would keep a release from running."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """How bad a finding is: an error keeps a release from running, a warning may."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: What was looked at, in a word: ``version``, ``permissions``, ``quota``, …
        message: What was found, in a sentence.
        hint: What to do about it; may have several lines.
    """

    check: str
    severity: Severity
    message: str
    hint: str = ""
