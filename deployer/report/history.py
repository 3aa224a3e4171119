"""Every release there was, newest first, and what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deployer.release.records import Bundle, Head, Mark, Routes
from deployer.report.canary import Canary, find_canary
from deployer.values import Digest

__all__ = ["HistoryRow", "ReleaseState", "build_history"]


class ReleaseState(StrEnum):
    """What became of a release. The first that applies, in this order."""

    QUARANTINED = "quarantined"
    LIVE = "live"
    CANARY = "canary"
    VERIFIED = "verified"
    FAILED = "failed"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One release; ``live_on`` names the targets it is live on now.

    ``share`` is what it gets as a canary, as ``5 % of aws, gcp``.
    """

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
    share: str = ""


def build_history(
    head: Head, bundles: Iterable[Bundle], routes: Routes | None = None
) -> tuple[HistoryRow, ...]:
    """Return a row per bundle, the newest first; ``routes`` say which one is a canary."""
    ordered = sorted(bundles, key=lambda bundle: bundle.number, reverse=True)
    canary = find_canary(routes)
    return tuple(_row(head, bundle, canary) for bundle in ordered)


def _row(head: Head, bundle: Bundle, canary: Canary | None) -> HistoryRow:
    part = canary if canary and canary.release == bundle.number else None
    mark = head.mark(bundle.number)
    live_on = tuple(sorted(t for t, number in head.live.items() if number == bundle.number))
    return HistoryRow(
        number=bundle.number,
        created=bundle.created,
        by=bundle.created_by,
        artifact=Digest.parse(bundle.artifact.digest),
        size=bundle.artifact.size,
        label=bundle.label,
        state=_state(mark, live_on=live_on, canary=part is not None),
        reason=mark.quarantined or "",
        live_on=live_on,
        verified=mark.verified,
        verdicts=mark.verdicts,
        share=part.words if part else "",
    )


def _state(mark: Mark, *, live_on: tuple[str, ...], canary: bool) -> ReleaseState:
    """Read the mark: nothing is inferred from age or from what came after."""
    if mark.quarantined is not None:
        return ReleaseState.QUARANTINED
    if live_on:
        return ReleaseState.LIVE
    if canary:
        return ReleaseState.CANARY
    if mark.verified is not None:
        return ReleaseState.VERIFIED
    failed = any(verdict.startswith("failed") for verdict in mark.verdicts.values())
    return ReleaseState.FAILED if failed else ReleaseState.UNPROVEN
