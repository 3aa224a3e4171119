"""How good the live model is on every target: the hold-out set asked everywhere at once."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from deployer.errors import DeployerError, SourceError
from deployer.evaluation import (
    Comparison,
    Disagreement,
    ErrorChange,
    Holdout,
    Predictions,
    Scores,
    find_disagreement,
    find_misses,
    predict_rows,
)
from deployer.evaluation.holdout import Label
from deployer.parallel import ask_each
from deployer.ports import HttpRequest, HttpResponse, Provider
from deployer.release.records import Bundle, Head, TargetBundle

__all__ = ["Exam", "Quality", "TargetQuality", "assess_quality", "load_answers"]


@dataclass(frozen=True, slots=True)
class TargetQuality:
    """One target's live release on the hold-out set; ``unknown`` says why nothing is known.

    Attributes:
        differs: From the first target that answered, when both run the same release.
        comparison: With the answers of another model, first those, second these.
    """

    target: str
    release: int
    unknown: str = ""
    scores: Scores | None = None
    predictions: Predictions | None = None
    differs: Disagreement | None = None
    comparison: Comparison | ErrorChange | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """All targets, in the order of their names."""

    name: str
    holdout: Holdout
    targets: tuple[TargetQuality, ...]
    missed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0, 1 when a threshold is missed or targets disagree, 3 when a target is unknown."""
        if not self.targets or any(target.unknown for target in self.targets):
            return 3
        disagree = any(target.differs and target.differs.share > 0 for target in self.targets)
        return 1 if disagree or self.missed else 0


@dataclass(frozen=True, slots=True)
class Exam:
    """What every target is asked, and how its answers are judged.

    Attributes:
        at_least: Thresholds by metric; a metric that is undefined misses its threshold.
        against: Another model's answers to the same rows.
    """

    holdout: Holdout
    score: Callable[[Holdout, Predictions], Scores]
    compare: Callable[[Holdout, Sequence[Label], Sequence[Label]], Comparison | ErrorChange]
    at_least: Mapping[str, float] = field(default_factory=dict)
    against: tuple[Label, ...] | None = None


def assess_quality(
    exam: Exam,
    head: Head,
    bundles: Mapping[int, Bundle],
    providers: Mapping[str, Provider],
    *,
    only: Collection[str] = (),
    timeout_seconds: float = 120.0,
) -> Quality:
    """Ask every target's live release for every row, at the same time, and score the answers.

    Requests go to the release itself, past any router. A target that can't be asked, or takes
    longer than ``timeout_seconds`` in all, is unknown and delays nobody.
    """
    wanted = [name for name in sorted(head.live) if not only or name in only]
    parts = {name: _live_part(head, bundles, name) for name in wanted}
    calls = {
        name: partial(_ask, providers[name], part, exam.holdout)
        for name, part in parts.items()
        if part is not None and name in providers
    }
    answers = ask_each(calls, timeout_seconds=timeout_seconds, what="evaluating")
    found = [_judge(exam, name, head.live[name], answers.get(name)) for name in wanted]
    return Quality(head.name, exam.holdout, _with_parity(found), _missed(found, exam.at_least))


def load_answers(file: Path, holdout: Holdout) -> tuple[Label, ...]:
    """Read the answers that an earlier evaluation saved (``-o json``), of its first target.

    Raises:
        SourceError: It is no such document, or of other rows.
    """
    try:
        targets = json.loads(file.read_text())["targets"]
        answers = next(target["answers"] for target in targets if target.get("answers"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise SourceError(
            f"{file}: no answers of an evaluation can be read from it",
            hint="Write one with: deployer evaluate --data FILE -o json > FILE",
        ) from error
    if len(answers) != len(holdout):
        raise SourceError(f"{file}: {len(answers)} answers, {len(holdout)} rows")
    return tuple(answers)


def _live_part(head: Head, bundles: Mapping[int, Bundle], target: str) -> TargetBundle | None:
    bundle = bundles.get(head.live[target])
    return bundle.target(target) if bundle is not None else None


def _ask(provider: Provider, part: TargetBundle, holdout: Holdout) -> Predictions:
    def send(request: HttpRequest) -> HttpResponse:
        return provider.cluster.call(part.direct, request, timeout_seconds=30.0)

    return predict_rows(send, part.infer_path, holdout)


def _judge(
    exam: Exam, name: str, release: int, answer: Predictions | DeployerError | None
) -> TargetQuality:
    if answer is None:
        return TargetQuality(name, release, unknown="the spec does not name it, or no bundle does")
    if isinstance(answer, DeployerError):
        return TargetQuality(name, release, unknown=answer.message)
    try:
        scores = exam.score(exam.holdout, answer)
        comparison = (
            exam.compare(exam.holdout, exam.against, answer.answers)
            if exam.against is not None
            else None
        )
    except SourceError as error:
        return TargetQuality(name, release, unknown=error.message)
    return TargetQuality(name, release, scores=scores, predictions=answer, comparison=comparison)


def _with_parity(found: list[TargetQuality]) -> tuple[TargetQuality, ...]:
    """Compare every target with the first that answered for the same release."""
    first: dict[int, Predictions] = {}
    compared = []
    for target in found:
        if target.predictions is None:
            compared.append(target)
            continue
        there = first.setdefault(target.release, target.predictions).answers
        differs = find_disagreement(there, target.predictions.answers)
        compared.append(replace(target, differs=differs))
    return tuple(compared)


def _missed(
    targets: list[TargetQuality], at_least: Mapping[str, float]
) -> dict[str, tuple[str, ...]]:
    """Return what misses its threshold, by target, in words."""
    found = {
        target.target: find_misses(target.scores, at_least)
        for target in targets
        if target.scores is not None
    }
    return {name: texts for name, texts in found.items() if texts}
