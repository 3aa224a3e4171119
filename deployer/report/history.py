"""Every release there was, newest first, and what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deployer.release.records import Bundle, Head, Mark
from deployer.values import Digest

__all__ = ["HistoryRow", "ReleaseState", "build_history"]


class ReleaseState(StrEnum):
    """What became of a release. The first that applies, in this order."""

    QUARANTINED = "quarantined"
    LIVE = "live"
    VERIFIED = "verified"
    FAILED = "failed"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One release; ``live_on`` names the targets it is live on now."""

    number: int
    created: datetime
    by: str
    artifact: Digest
    size: int
    label: str
    state: ReleaseState
    reason: str
    live_on: tuple[str, ...]
    verified: datetime | None
    verdicts: Mapping[str, str]


def build_history(head: Head, bundles: Iterable[Bundle]) -> tuple[HistoryRow, ...]:
    """Return a row per bundle, the newest first."""
    ordered = sorted(bundles, key=lambda bundle: bundle.number, reverse=True)
    return tuple(_row(head, bundle) for bundle in ordered)


def _row(head: Head, bundle: Bundle) -> HistoryRow:
    mark = head.mark(bundle.number)
    live_on = tuple(sorted(t for t, number in head.live.items() if number == bundle.number))
    return HistoryRow(
        number=bundle.number,
        created=bundle.created,
        by=bundle.created_by,
        artifact=Digest.parse(bundle.artifact.digest),
        size=bundle.artifact.size,
        label=bundle.label,
        state=_state(mark, live_on=live_on),
        reason=mark.quarantined or "",
        live_on=live_on,
        verified=mark.verified,
        verdicts=mark.verdicts,
    )


def _state(mark: Mark, *, live_on: tuple[str, ...]) -> ReleaseState:
    """Read the mark: nothing is inferred from age or from what came after."""
    if mark.quarantined is not None:
        return ReleaseState.QUARANTINED
    if live_on:
        return ReleaseState.LIVE
    if mark.verified is not None:
        return ReleaseState.VERIFIED
    failed = any(verdict.startswith("failed") for verdict in mark.verdicts.values())
    return ReleaseState.FAILED if failed else ReleaseState.UNPROVEN
