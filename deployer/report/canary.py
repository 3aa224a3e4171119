"""What a canary gets of its targets' traffic, as the recorded routes have it."""

from dataclasses import dataclass

from deployer.release.records import Routes

__all__ = ["Canary", "find_canary"]


@dataclass(frozen=True, slots=True)
class Canary:
    """The release that is new on targets which have another; its percentage, by target."""

    release: int
    percent: dict[str, float]

    @property
    def words(self) -> str:
        """The percentages, as ``5 % of aws, gcp``; equal ones once."""
        shares = dict.fromkeys(self.percent.values())
        return ", ".join(
            f"{share:.3g} % of {', '.join(n for n, part in self.percent.items() if part == share)}"
            for share in shares
        )


def find_canary(routes: Routes | None) -> Canary | None:
    """Return the newest release that shares a target with another one; None when none does."""
    shares: dict[str, dict[int, int]] = {}
    for backend in routes.backends if routes else ():
        shares.setdefault(backend.target, {})[backend.release] = backend.share
    split = {target: parts for target, parts in shares.items() if len(parts) > 1}
    if not split:
        return None
    release = max(max(parts) for parts in split.values())
    percent = {
        target: 100 * parts[release] / (sum(parts.values()) or 1)
        for target, parts in split.items()
        if release in parts
    }
    return Canary(release, percent)
