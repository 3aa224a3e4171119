"""Whether what a model is asked now is what it was trained on, feature by feature.

The population stability index sums (now - then) x ln(now / then) over bins that each held a tenth
of the training rows: below 0.1 nothing happened, above 0.25 the model should be looked at, between
them watch (N. Siddiqi, Credit Risk Scorecards, 2006). Without any change it still is
(bins - 1) x (1/rows + 1/rows) on average (B. Yurdakul, 2018), so small samples say nothing. The
test of Kolmogorov and Smirnov, by SciPy, says whether chance alone could do that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import ks_2samp

from deployer.errors import SourceError
from deployer.evaluation.inputs import Inputs

__all__ = ["Drift", "FeatureDrift", "Shift", "compare_inputs", "measure_psi"]

_BINS = 10
_WATCH, _ACT = 0.1, 0.25
_LEVEL = 0.05
_LEAST_SHARE = 1e-4
"""What an empty bin counts as, so that the logarithm is finite."""
_MISSING_MORE = 0.05
"""By how much the share of missing values may grow before it is drift itself."""


class Shift(StrEnum):
    """How far a feature has moved, from least to most; ``unknown`` when nothing can be said."""

    STEADY = "steady"
    WATCH = "watch"
    UNKNOWN = "unknown"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature, then and now.

    Attributes:
        psi: None when there is too little to say; ``reason`` then says what.
        statistic: Of Kolmogorov and Smirnov: the largest distance of the two distributions.
        p_value: How likely chance alone brings such a distance.
        missing: The share of rows without a value, then and now.
    """

    name: str
    shift: Shift
    psi: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    missing: tuple[float, float] = (0.0, 0.0)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """Every feature of the profile, and the worst of them as a whole.

    Attributes:
        extra: Columns that are there now and were not then; nothing is said of them.
    """

    shift: Shift
    features: tuple[FeatureDrift, ...]
    profile_rows: int
    live_rows: int
    extra: tuple[str, ...] = ()


def compare_inputs(profile: Inputs, live: Inputs, *, ignore: Sequence[str] = ()) -> Drift:
    """Compare live inputs with the training profile; several tests share the level (Bonferroni).

    Args:
        profile: Rows the model was trained on.
        live: Rows it was asked.
        ignore: Columns that are no inputs, such as the label.

    Raises:
        SourceError: A column of the profile is not among the live ones, or nothing is left.
    """
    names = [name for name in profile.columns if name not in ignore]
    lacking = [name for name in names if name not in live.columns]
    if lacking or not names:
        raise SourceError(
            f"the live inputs lack {', '.join(lacking)}" if lacking else "no inputs are left",
            hint="Columns are matched by name; --ignore NAME leaves out what is no input.",
        )
    level = _LEVEL / len(names)
    found = tuple(
        _compare(name, profile.columns[name], live.columns[name], level) for name in names
    )
    worst = max((it.shift for it in found), key=list(Shift).index)
    extra = tuple(it for it in live.columns if it not in profile.columns and it not in ignore)
    return Drift(worst, found, profile.rows, live.rows, extra)


def measure_psi(then: np.ndarray, now: np.ndarray) -> float:
    """Return the population stability index over the tenths of ``then``.

    Of few different values each is a bin of its own, and all that is new is one more. By hand:
    then half 0 and half 1, now a quarter 0 and three quarters 1:
    (0.25 - 0.5) ln(0.25/0.5) + (0.75 - 0.5) ln(0.75/0.5) = 0.1733 + 0.1014 = 0.2747.
    """
    before, after = (_shares(values, then) for values in (then, now))
    return float(((after - before) * np.log(after / before)).sum())


def _shares(values: np.ndarray, then: np.ndarray) -> np.ndarray:
    kinds = np.unique(then)
    if len(kinds) <= _BINS:
        counts = np.array([(values == kind).sum() for kind in kinds])
        counts = np.append(counts, len(values) - counts.sum())
    else:
        edges = np.unique(np.quantile(then, np.linspace(0, 1, _BINS + 1)[1:-1]))
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return np.asarray(np.maximum(counts / len(values), _LEAST_SHARE))


def _compare(name: str, then: np.ndarray, now: np.ndarray, level: float) -> FeatureDrift:
    missing = float(np.isnan(then).mean()), float(np.isnan(now).mean())
    then, now = then[~np.isnan(then)], now[~np.isnan(now)]
    emptied = missing[1] - missing[0] > _MISSING_MORE
    why = _find_why_unknown(then, now)
    if why:
        shift = Shift.DRIFTED if emptied else Shift.UNKNOWN
        return FeatureDrift(name, shift, missing=missing, reason=why)
    test = ks_2samp(then, now)
    psi, p_value = measure_psi(then, now), float(test.pvalue)
    shift = Shift.DRIFTED if emptied else _judge(psi, p_value, level)
    reason = "more values are missing than before" if emptied else ""
    return FeatureDrift(name, shift, psi, float(test.statistic), p_value, missing, reason)


def _judge(psi: float, p_value: float, level: float) -> Shift:
    """Both must speak: chance alone makes an index large, and many rows make any p small."""
    if psi <= _WATCH or p_value > level:
        return Shift.STEADY
    return Shift.DRIFTED if psi > _ACT else Shift.WATCH


def _find_why_unknown(then: np.ndarray, now: np.ndarray) -> str:
    if not len(then) or not len(now):
        return "no values at all"
    by_chance = (_BINS - 1) * (1 / len(then) + 1 / len(now))
    if by_chance > _WATCH:
        return f"{len(then)} and {len(now)} values are too few: chance alone makes {by_chance:.2f}"
    return ""
