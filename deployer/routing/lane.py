"""Backends in one order, and requests dealt out to them: the whole fleet, or what a wish asks for.

A table made once answers for every request until something changes, so that the usual choice costs
a look-up; what it can't answer (a full backend, another attempt, load, what sticks) is chosen anew.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from deployer.routing.deal import Deal
from deployer.routing.policy import (
    WHOLE,
    Candidate,
    Choice,
    Table,
    choose,
    has_alternative,
    prepare,
)

__all__ = ["Lane"]


class Lane:
    """Chooses among its backends; none usable is no reason to choose one that is not.

    Args:
        ranks: Each backend's tier by its key; those left out are not used, those in it are even if
            their release has no share of its target. None takes all of them as they are.
    """

    def __init__(self, rng: random.Random, ranks: Mapping[str, int] | None = None) -> None:
        self._rng = rng
        self._ranks = ranks
        self._deal = Deal(rng)
        self._filled: Sequence[Candidate] = ()
        self._candidates: Sequence[Candidate] = ()
        self._table: Table | None = None

    def fill(self, candidates: Sequence[Candidate]) -> None:
        """Take over the backends as they are now; nothing is done when these are the last ones."""
        if candidates is self._filled:
            return
        self._filled, ranks = candidates, self._ranks
        self._candidates = (
            candidates
            if ranks is None
            else [
                replace(c, tier=ranks[c.key], share=c.share or WHOLE)
                for c in candidates
                if c.key in ranks
            ]
        )
        self._table = None

    def choose(
        self, now: float, *, tried: Collection[str] = (), by_load: bool = False, sticky: bytes = b""
    ) -> Choice | None:
        """See `deployer.routing.policy.choose`."""
        if tried or sticky:
            return self._choose(now, None, tried, by_load, sticky)
        point = self._deal.next_point()
        if by_load:
            return self._choose(now, point, tried, by_load, sticky)
        table = self._table
        if table is None or now >= table.until:
            table = self._table = prepare(self._candidates, now)
        choice = table.look_up(point) if table is not None else None
        return choice or self._choose(now, None, tried, by_load, sticky)

    def can_take(self, now: float, tried: Collection[str]) -> bool:
        """Tell whether a usable backend of it was not tried."""
        return has_alternative(self._candidates, now=now, tried=tried)

    def _choose(
        self,
        now: float,
        point: float | None,
        tried: Collection[str],
        by_load: bool,  # noqa: FBT001 - handed on
        sticky: bytes,
    ) -> Choice | None:
        return choose(
            self._candidates,
            now=now,
            rng=self._rng,
            point=point,
            tried=tried,
            by_load=by_load,
            sticky=sticky,
        )
