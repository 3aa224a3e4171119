"""Tells people, by every channel, each event once: what was told is remembered in the state."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from deployer.errors import DeployerError
from deployer.ports import Clock, Notice, Notifier
from deployer.release.notices import claim_notice, finish_notice, give_up_notice
from deployer.release.state import StateStore
from deployer.retry import Backoff, retry_transient

__all__ = ["Outcome", "Telling", "tell_notices"]

_BACKOFF = Backoff(base_seconds=0.5, cap_seconds=10.0, budget_seconds=45.0)
"""Together with the last try's own timeouts well within what a claim holds."""


class Outcome(StrEnum):
    """What became of one notice by one channel."""

    TOLD = "told"
    KNOWN = "known"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Telling:
    """One notice by one channel; ``known`` when it was told before, or somebody else tells it."""

    notice: Notice
    channel: str
    outcome: Outcome
    error: str = ""


def tell_notices(
    notices: Sequence[Notice],
    notifiers: Sequence[Notifier],
    state: StateStore,
    clock: Clock,
    *,
    holder: str,
) -> tuple[Telling, ...]:
    """Tell every notice by every channel that has not told it; one that fails holds up no other.

    Raises:
        StateError: What was told cannot be read; nothing is told that might have been told before.
    """
    return tuple(
        _tell(notice, notifier, state, clock, holder)
        for notice in notices
        for notifier in notifiers
    )


def _tell(
    notice: Notice, notifier: Notifier, state: StateStore, clock: Clock, holder: str
) -> Telling:
    claim = claim_notice(state, notifier.channel, notice.id, holder=holder)
    if claim is None:
        return Telling(notice, notifier.channel, Outcome.KNOWN)
    try:
        retry_transient(lambda: notifier.send(notice), clock=clock, backoff=_BACKOFF)
    except DeployerError as error:
        give_up_notice(state, claim)
        return Telling(notice, notifier.channel, Outcome.FAILED, error.message)
    if finish_notice(state, claim):
        return Telling(notice, notifier.channel, Outcome.TOLD)
    return Telling(
        notice, notifier.channel, Outcome.FAILED, "it was told, but that could not be recorded"
    )
