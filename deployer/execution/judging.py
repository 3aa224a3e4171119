"""The gates that judge a release's answers before it gets any traffic.

Evaluate: are they right often enough, and not worse than the live release's? Parity: are they the
same on every target? A port that opens says nothing of either, and a few example requests little.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

from deployer.errors import ProviderError, RolloutError, SetupError, SourceError
from deployer.evaluation import (
    Answers,
    Comparison,
    Difference,
    ErrorChange,
    Predictions,
    Scores,
    choose_reference,
    find_differences,
    find_losses,
    find_misses,
    format_bounds,
)
from deployer.execution.asking import Asker, predict_holdout
from deployer.release.gates import EvaluateRecord, ParityRecord

__all__ = ["Champion", "judge_parity", "judge_quality"]

_EXAMPLES = 3
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Champion:
    """The release that serves now on the same target, and how to ask it."""

    release: int
    asker: Asker


def judge_quality(
    target: str,
    release: int,
    gate: EvaluateRecord,
    predictions: Predictions,
    champion: Champion | None,
) -> str:
    """Return the verdict in words, with every metric that has a bound.

    A champion that cannot be asked is not compared with, and the verdict says so: what serves may
    be what the new release is to mend.

    Raises:
        RolloutError: A metric misses its threshold, or is worse than the champion's by more than
            its margin.
        SetupError: scikit-learn is missing here.
    """
    scores = _score(target, release, gate, predictions)
    faults = [*find_misses(scores, gate.thresholds)]
    compared = ""
    if gate.champion and champion is not None:
        losses, compared = _compare(gate, scores, predictions, champion)
        faults += losses
    if faults:
        raise _refused(target, "evaluate", release, f"{'; '.join(faults)}, {_on_rows(scores)}")
    passed = [format_bounds(scores, gate.thresholds), compared]
    return f"{'; '.join(filter(None, passed)) or 'nothing to compare with'}, on {scores.rows} rows"


def judge_parity(
    target: str, release: int, gate: ParityRecord, answers: Mapping[str, Answers]
) -> str:
    """Return the verdict in words: how many of ``target``'s answers are those of the others.

    Raises:
        RolloutError: More answers differ from the reference's than may.
    """
    reference = choose_reference(answers, tolerance=gate.tolerance)
    if len(answers) == 1:
        return "no other target to compare with"
    count = len(answers[target])
    if reference == target:
        return f"{count} answers; the other targets are compared with these"
    differences = find_differences(answers[reference], answers[target], tolerance=gate.tolerance)
    if len(differences) > gate.differ * count:
        raise _refused(
            target,
            "parity",
            release,
            f"{len(differences)} of {count} answers differ from {reference}'s by more than "
            f"{gate.tolerance:g}, {gate.differ:.0%} may: {_list(differences)}",
        )
    return f"{count - len(differences)} of {count} answers as on {reference}"


def _metrics() -> ModuleType:
    try:
        from deployer.evaluation import metrics  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError(
            "gates.evaluate needs scikit-learn", hint="pip install 'deployer[evaluate]'"
        ) from error
    return metrics


def _score(target: str, release: int, gate: EvaluateRecord, predictions: Predictions) -> Scores:
    try:
        scores: Scores = _metrics().score_predictions(gate.holdout, predictions)
    except SourceError as error:
        raise _refused(target, "evaluate", release, error.message) from error
    return scores


def _compare(
    gate: EvaluateRecord, scores: Scores, predictions: Predictions, champion: Champion
) -> tuple[list[str], str]:
    """Return what is too much worse than the champion's, and the comparison in words."""
    name, holdout = f"release {champion.release}", gate.holdout
    try:
        there = predict_holdout(champion.asker, holdout)
        before = _score(champion.asker.part.target, champion.release, gate, there)
    except (ProviderError, RolloutError) as error:
        return [], f"not compared with {name}, which could not be asked: {error.message}"
    losses = [
        f"{now}, and {then} of {name}, at most {gate.champion[now.split()[0]]:g} worse"
        for now, then in find_losses(scores, before, gate.champion)
    ]
    beside = ", ".join(
        f"{metric} {value:.4f}"
        for metric in gate.champion
        if (value := before.metrics[metric].value) is not None
    )
    words = f"{name} has {beside or 'no such metric'}"
    found = _metrics().compare_answers(holdout, there.answers, predictions.answers)
    return losses, f"{words} ({_in_words(found)})"


def _in_words(found: Comparison | ErrorChange) -> str:
    if isinstance(found, ErrorChange):
        return f"mae changes by {found.change:.4f}, {found.low:.4f} to {found.high:.4f}"
    return (
        f"{found.only_second} rows right only now, {found.only_first} only there, "
        f"p = {found.p_value:.3f}"
    )


def _on_rows(scores: Scores) -> str:
    words = f"on {scores.rows} rows"
    if not scores.per_class:
        return words
    worst = min((it for it in scores.per_class if it.support), key=lambda it: it.recall)
    return f"{words}; worst class: {worst.label}, recall {worst.recall:.2f}"


def _list(differences: tuple[Difference, ...]) -> str:
    return "; ".join(_describe(differences))


def _describe(differences: tuple[Difference, ...]) -> Iterator[str]:
    for found in differences[:_EXAMPLES]:
        yield f"{found.where}: {_short(found.wanted)} there, {_short(found.got)} here"
    others = [found.where for found in differences[_EXAMPLES:]]
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        yield f"also {', '.join(others[:_NAMED])}{more}"


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_short, value))}]"[:80]
    return repr(value)[:80]


def _refused(target: str, gate: str, release: int, why: str) -> RolloutError:
    return RolloutError(f"{target}: {gate}: release {release}: {why}", release=release)
