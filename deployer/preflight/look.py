"""Every target at once, each with its own time; what does not answer is a finding, too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from deployer.errors import AccessDeniedError, DeployerError, SetupError, TransientError
from deployer.parallel import ask_each
from deployer.ports import Clock, Finding, Manifest, Provider, Severity
from deployer.preflight.store import check_store

__all__ = ["Checkup", "check_targets", "refuse_errors"]

_WORST = (Severity.ERROR, Severity.WARNING, Severity.OK)


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found of one target, the worst first."""

    target: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps a release from running there."""
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)


def check_targets(
    providers: Mapping[str, Provider],
    objects: Mapping[str, Sequence[Manifest]],
    clock: Clock,
    *,
    thorough: bool,
    timeout_seconds: float,
) -> list[Checkup]:
    """Look every target over for the objects that it is to get.

    Args:
        thorough: Also look for room, for what the objects refer to, and into the stores: there an
            object of a name of its own is written, read and deleted.
        timeout_seconds: For each target's cluster and for each store; who takes longer is unknown.
    """
    calls: dict[str, Callable[[], Sequence[Finding]]] = {}
    for name in objects:
        provider = providers[name]
        cluster = provider.cluster
        calls[f"the cluster of {name}"] = partial(
            cluster.preflight, tuple(objects[name]), thorough=thorough
        )
        if thorough:
            calls[f"the store of {name}"] = partial(check_store, provider.store, clock)
    answers = ask_each(calls, timeout_seconds=timeout_seconds, what="looking it over")
    return [_checkup(name, answers) for name in objects]


def refuse_errors(checkups: Sequence[Checkup]) -> None:
    """Raise when a target cannot take the release, with everything that was found.

    A target that does not answer is left to whoever reads it next: it is unknown, not wrong.

    Raises:
        SetupError: Something is missing, on one target at least.
    """
    wrong = [
        (checkup.target, each)
        for checkup in checkups
        for each in checkup.errors
        if each.check not in _UNKNOWN
    ]
    if not wrong:
        return
    first = "; ".join(f"{target}: {each.message}" for target, each in wrong)
    hints = dict.fromkeys(each.hint for _, each in wrong if each.hint)
    raise SetupError(
        f"the release cannot run: {first}",
        hint="\n".join([*hints, "Nothing was changed. `deployer doctor` tells more."]),
    )


_UNKNOWN = frozenset({"cluster", "store"})


def _checkup(target: str, answers: Mapping[str, Sequence[Finding] | DeployerError]) -> Checkup:
    findings: list[Finding] = []
    for check in sorted(_UNKNOWN):
        answer = answers.get(f"the {check} of {target}", ())
        findings += [_away(check, answer)] if isinstance(answer, DeployerError) else answer
    return Checkup(target, tuple(sorted(findings, key=lambda each: _WORST.index(each.severity))))


def _away(check: str, error: DeployerError) -> Finding:
    hints = {
        TransientError: "Is it up, and reachable from here (VPN, proxy, firewall)?",
        AccessDeniedError: "Log in again, or ask for access.",
    }
    hint = error.hint or next((h for kind, h in hints.items() if isinstance(error, kind)), "")
    return replace(Finding(check, Severity.ERROR, error.message), hint=hint)
