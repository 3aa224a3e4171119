"""One witness's word of how something is doing."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Evidence", "Sight"]


class Sight(StrEnum):
    """What one witness says of it; ``unseen`` when it can say nothing."""

    GOOD = "good"
    PARTLY = "partly"
    BAD = "bad"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One witness, what it says, and the words for it."""

    source: str
    sight: Sight
    says: str
