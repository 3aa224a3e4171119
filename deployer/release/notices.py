"""What was told to whom: each event once per channel, whoever finds it and however often.

Layout under ``deployer/<name>/notices/<channel>/<event>/``::

    000001.json     somebody is about to tell it, until the claim expires; create-only
    000002.json     the next, after the one before expired or was given up
    told.json       it was told; create-only

A claim comes before the telling and ``told.json`` after it. Of several that find the same event at
once a majority of the stores decides who tells it. One that is killed between both leaves a claim,
and after `CLAIM_SECONDS` another tells it: perhaps again, with the same id.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from deployer.release.record import Document
from deployer.release.state import StateStore

__all__ = [
    "CLAIM_SECONDS",
    "Claim",
    "ClaimRecord",
    "ToldRecord",
    "claim_notice",
    "finish_notice",
    "give_up_notice",
]

CLAIM_SECONDS = 180.0
"""Longer than telling takes, its retries included."""

_TOLD = "told.json"


class ClaimRecord(Document):
    """Somebody is about to tell it."""

    holder: str
    expires: datetime


class ToldRecord(Document):
    """It was told."""

    holder: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to tell one event by one channel."""

    folder: str
    number: int
    holder: str


def claim_notice(state: StateStore, channel: str, event: str, *, holder: str) -> Claim | None:
    """Return the right to tell it; None when it was told, or somebody else is about to.

    Raises:
        StateError: No majority of the stores answers: nobody knows whether it was told.
    """
    folder = f"notices/{channel}/{event}"
    paths = state.list_records(f"{folder}/")
    if f"{folder}/{_TOLD}" in paths:
        return None
    now = state.clock.now()
    if paths:
        held = state.read_records(ClaimRecord, paths[-1])
        if any(record.expires > now for record in held):
            return None
    number = int(paths[-1].rpartition("/")[2].removesuffix(".json")) + 1 if paths else 1
    record = ClaimRecord(holder=holder, expires=now + timedelta(seconds=CLAIM_SECONDS))
    taken = state.claim_record(f"{folder}/{number:06d}.json", record)
    return Claim(folder, number, holder) if taken else None


def give_up_notice(state: StateStore, claim: Claim) -> None:
    """Let the next one try at once: it could not be told."""
    record = ClaimRecord(holder=claim.holder, expires=state.clock.now())
    state.claim_record(f"{claim.folder}/{claim.number + 1:06d}.json", record)


def finish_notice(state: StateStore, claim: Claim) -> bool:
    """Record that it was told; return whether a majority of the stores has that."""
    record = ToldRecord(holder=claim.holder, at=state.clock.now())
    return state.claim_record(f"{claim.folder}/{_TOLD}", record)
