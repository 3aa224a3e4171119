"""Preconditions: a write or read goes ahead only if the object is still what the client saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from deployer.sandbox.gcs.refusal import RefusedError

__all__ = ["Conditions"]


class _Versioned(Protocol):
    @property
    def generation(self) -> int: ...
    @property
    def metageneration(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """The preconditions of one request; None is "do not care", generation 0 is "no object"."""

    generation: int | None = None
    if_generation: int | None = None
    if_not_generation: int | None = None
    if_metageneration: int | None = None
    if_not_metageneration: int | None = None

    @classmethod
    def of_query(cls, query: Mapping[str, str], *, source: bool = False) -> "Conditions":
        """Read the JSON API's parameters; ``source`` those about a copy's source."""
        prefix = "ifSource" if source else "if"
        return cls(
            generation=_number(query, "sourceGeneration" if source else "generation"),
            if_generation=_number(query, f"{prefix}GenerationMatch"),
            if_not_generation=_number(query, f"{prefix}GenerationNotMatch"),
            if_metageneration=_number(query, f"{prefix}MetagenerationMatch"),
            if_not_metageneration=_number(query, f"{prefix}MetagenerationNotMatch"),
        )

    def check_write(self, current: _Versioned | None) -> None:
        """Refuse with 412 unless all hold of ``current``."""
        self._check_match(current)
        if self._is_unwanted(current):
            raise _not_met()

    def check_read(self, current: _Versioned) -> None:
        """Refuse with 412, or with 304 when the client has this one already."""
        self._check_match(current)
        if self._is_unwanted(current):
            raise RefusedError(304, "notModified", "Not Modified")

    def _check_match(self, current: _Versioned | None) -> None:
        generation, metageneration = _versions(current)
        if self.if_generation not in (None, generation):
            raise _not_met()
        if self.if_metageneration not in (None, metageneration):
            raise _not_met()

    def _is_unwanted(self, current: _Versioned | None) -> bool:
        generation, metageneration = _versions(current)
        return self.if_not_generation == generation or self.if_not_metageneration == metageneration


def _versions(current: _Versioned | None) -> tuple[int, int]:
    return (current.generation, current.metageneration) if current else (0, 0)


def _not_met() -> RefusedError:
    return RefusedError(
        412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."
    )


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.lstrip("-").isdigit():
        raise RefusedError(400, "invalid", f"{name} is not a number: {text!r}")
    return int(text)
