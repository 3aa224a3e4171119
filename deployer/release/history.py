"""Which release to go back to: only ever one that is recorded as verified (G4, D5)."""

from deployer.errors import RolloutError
from deployer.release.records import Head

__all__ = ["rollback_number"]


def rollback_number(head: Head, wanted: int | None = None) -> int:
    """Return the release a rollback goes to.

    Without ``wanted``: the newest release older than the desired one that is recorded as verified
    and not quarantined; or the desired one itself, when it is where a rollback has led already, so
    that the same command twice does not go back two releases, or when a failed deploy could not be
    undone everywhere, so that what is newer than the desired one goes first. With ``wanted``: that
    one, if it was ever verified; quarantine does not bar a release that is asked for by number.

    Raises:
        RolloutError: There is none, or the wanted one never proved itself.
    """
    if wanted is not None:
        if head.mark(wanted).verified is None:
            raise RolloutError(
                f"release {wanted} of {head.name} is not recorded as verified healthy",
                release=wanted,
                hint="deployer history shows which releases are.",
            )
        return wanted
    if head.desired is not None and _is_gone_back_to(head, head.desired):
        return head.desired
    candidates = [
        number
        for number, mark in head.marks.items()
        if mark.verified
        and not mark.quarantined
        and number != head.desired
        and (head.desired is None or number < head.desired)
    ]
    if not candidates:
        raise RolloutError(
            f"{head.name} has no earlier release that is recorded as verified healthy",
            release=head.desired,
            hint="deployer history shows all; --to N takes one by number.",
        )
    return max(candidates)


def _is_gone_back_to(head: Head, desired: int) -> bool:
    """Say whether a newer release was verified and rolled back, or is still live somewhere."""
    rolled_back = any(
        number > desired and mark.verified and mark.quarantined
        for number, mark in head.marks.items()
    )
    stuck = any(number > desired for number in head.live.values())
    return rolled_back or (stuck and head.mark(desired).verified is not None)
