"""Whether places that run the same model give the same answers to the same inputs. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from deployer.values import Json

__all__ = ["Answers", "Difference", "choose_reference", "find_differences"]

Answers = Mapping[str, Json]
"""What one place answered, by the name of the input: numbers, words, lists or objects of these."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One input that was answered differently: the reference's answer, and the other one."""

    where: str
    wanted: Json
    got: Json


def choose_reference(answers: Mapping[str, Answers], *, tolerance: float) -> str:
    """Return the place whose answers differ least from all others'; of equals the first by name.

    Of three places of which one is wrong it is a right one; of two nobody can tell.

    Raises:
        ValueError: There is no place.
    """
    groups = _group(answers)
    if not groups:
        raise ValueError("there are no answers to choose from")

    def distance(name: str) -> int:
        return sum(
            len(find_differences(answers[name], answers[other], tolerance=tolerance)) * len(members)
            for other, members in groups.items()
            if other != name
        )

    return min(groups, key=lambda name: (distance(name), name))


def find_differences(wanted: Answers, got: Answers, *, tolerance: float) -> tuple[Difference, ...]:
    """Return every input whose answers differ, in the order of ``wanted``.

    Numbers may differ by ``tolerance``, absolute or relative to the larger one, whichever allows
    more; not-a-number is equal to nothing, and a missing answer differs from any.
    """
    if wanted == got and not _has_nan(wanted):
        return ()
    return tuple(
        Difference(where, wanted.get(where), got.get(where))
        for where in dict.fromkeys([*wanted, *got])
        if where not in wanted
        or where not in got
        or not _agree(wanted[where], got[where], tolerance)
    )


def _group(answers: Mapping[str, Answers]) -> dict[str, list[str]]:
    """Put places with exactly equal answers together, under the first of their names."""
    groups: dict[str, list[str]] = {}
    for name in sorted(answers):
        twin = next((first for first in groups if answers[first] == answers[name]), name)
        groups.setdefault(twin, []).append(name)
    return groups


def _has_nan(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_nan, value))
    return isinstance(value, float) and math.isnan(value)


def _agree(wanted: Json, got: Json, tolerance: float) -> bool:
    if isinstance(wanted, list | tuple) and isinstance(got, list | tuple):
        pairs = zip(wanted, got, strict=False)
        return len(wanted) == len(got) and all(_agree(one, two, tolerance) for one, two in pairs)
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        return wanted.keys() == got.keys() and all(
            _agree(wanted[key], got[key], tolerance) for key in wanted
        )
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return math.isclose(wanted, got, rel_tol=tolerance, abs_tol=tolerance)
    return bool(wanted == got)
