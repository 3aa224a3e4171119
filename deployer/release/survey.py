"""How the state's stores do: which of them answer, and how many may be lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["StateSurvey"]


@dataclass(frozen=True, slots=True)
class StateSurvey:
    """The state's stores.

    Attributes:
        answered: The addresses of those that answer.
        silent: By address, why each of the others does not.
        majority: How many must answer for the state to be read and written.
    """

    answered: tuple[str, ...]
    majority: int
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def spare(self) -> int:
        """How many more may be lost; below 0 when the majority is gone."""
        return len(self.answered) - self.majority
