"""Which release to go back to: only ever one that is recorded as verified (G4, D5)."""

from deployer.errors import RolloutError
from deployer.release.records import Head

__all__ = ["rollback_number"]


def rollback_number(head: Head, wanted: int | None = None) -> int:
    """Return the release a rollback goes to.

    Without ``wanted``: the newest release older than the desired one that is recorded as verified
    and not quarantined. With it: that one, if it was ever verified; quarantine does not bar a
    release that is asked for by number.

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
