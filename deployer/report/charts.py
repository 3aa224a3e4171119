"""Charts as inline SVG for a page: drawn by matplotlib, coloured by the page's own style.

Colours are stand-ins that become CSS variables, so that one chart is right in light, dark and
print; text stays text, for readers, search and screen readers. No series is told by colour alone.
"""

import html
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from deployer.evaluation.holdout import Label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from deployer.evaluation.curves import Curve

__all__ = ["draw_bars", "draw_confusion", "draw_curves"]

_INK, _SOFT, _PAPER = "#010203", "#040506", "#070809"
_SERIES = ("#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06")
_VARIABLES = {
    _INK: "var(--ink)",
    _SOFT: "var(--line)",
    _PAPER: "var(--paper)",
    **{color: f"var(--series-{number})" for number, color in enumerate(_SERIES, start=1)},
}
_DASHES = ("-", "--", ":", "-.")
_HATCHES = ("", "///", "...", "xx", "\\\\\\", "++")
_DARK_CELL = 0.5
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _SOFT,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _SOFT,
    "legend.frameon": False,
    "hatch.color": _PAPER,
    "hatch.linewidth": 1.2,
}


def draw_bars(
    title: str, rows: Mapping[str, Mapping[str, float]], *, unit: str, partial: Sequence[str] = ()
) -> str:
    """Return a stacked bar for each row, with its sum; ``partial`` ones are marked as at least."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

    names = list(dict.fromkeys(name for parts in rows.values() for name in parts))
    with _settings():
        figure = Figure(figsize=(7.2, 1.1 + 0.5 * len(rows)), layout="constrained")
        axes = figure.subplots()
        left = [0.0] * len(rows)
        for index, name in enumerate(names):
            widths = [parts.get(name, 0.0) for parts in rows.values()]
            bars = axes.barh(list(rows), widths, left=left, height=0.6, label=name)
            for bar in bars:
                bar.set(facecolor=_SERIES[index % 6], hatch=_HATCHES[index % 6])
            left = [start + width for start, width in zip(left, widths, strict=True)]
        for position, (row, total) in enumerate(zip(rows, left, strict=True)):
            words = _sum_up(total, unit, known=bool(rows[row]), partial=row in partial)
            axes.annotate(words, (total, position), (5, 0), textcoords="offset points", va="center")
        axes.invert_yaxis()
        axes.margins(x=0.22)
        axes.set_xlabel(unit)
        axes.tick_params(length=0)
        figure.legend(loc="outside upper left", ncols=min(4, max(1, len(names))))
        return _to_svg(figure, title)


def draw_confusion(title: str, classes: Sequence[Label], counts: Sequence[Sequence[int]]) -> str:
    """Return the matrix: rows are what is true, columns what was answered, cells their counts."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

    size = 1.6 + 0.55 * len(classes)
    with _settings():
        figure = Figure(figsize=(max(3.2, size), max(2.9, size)), layout="constrained")
        axes = figure.subplots()
        for row, cells in enumerate(counts):
            for column, count in enumerate(cells):
                _draw_cell(axes, row, column, count, count / max(1, sum(cells)))
        names = [str(label)[:16] for label in classes]
        axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal")
        axes.set_xticks(range(len(names)), names, rotation=45 if _are_long(names) else 0)
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(length=0)
        axes.set(xlabel="answered", ylabel="true")
        return _to_svg(figure, title)


def draw_curves(
    title: str, curves: "Sequence[Curve]", *, x: str, y: str, diagonal: bool, marked: bool = False
) -> str:
    """Return the curves in the unit square, each with a dash of its own.

    Args:
        title: What a reader is told who does not see it.
        diagonal: Draw it: what chance gives, or perfect calibration.
        marked: Draw each point; a few points are no continuous curve.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

    with _settings():
        figure = Figure(figsize=(3.6, 3.5), layout="constrained")
        axes = figure.subplots()
        if diagonal:
            axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=1)
        for index, curve in enumerate(curves):
            axes.plot(
                curve.x,
                curve.y,
                color=_SERIES[index % 6],
                linestyle=_DASHES[index % 4],
                marker="osD^"[index % 4] if marked else None,
                markersize=4,
                label=curve.label,
            )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=x, ylabel=y, aspect="equal")
        axes.grid(linewidth=0.5)
        axes.legend(title="class")
        return _to_svg(figure, title)


def _sum_up(total: float, unit: str, *, known: bool, partial: bool) -> str:
    return f"{'≥ ' if partial else ''}{total:,.0f} {unit}" if known else "unknown"


def _draw_cell(axes: "Axes", row: int, column: int, count: int, share: float) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - an extra

    corner = (column - 0.48, row - 0.48)
    cell = Rectangle(corner, 0.96, 0.96, facecolor=_SERIES[0], alpha=share, edgecolor="none")
    axes.add_patch(cell)
    axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor="none", edgecolor=_SOFT, linewidth=0.5))
    color = _PAPER if share > _DARK_CELL else _INK
    axes.text(column, row, f"{count:,}", ha="center", va="center", color=color)


def _are_long(names: Sequence[str]) -> bool:
    return max(map(len, names)) > 5  # noqa: PLR2004 - characters that fit under a cell


def _settings() -> "AbstractContextManager[None]":
    import matplotlib as mpl  # noqa: PLC0415 - an extra

    return mpl.rc_context(_SETTINGS)


def _to_svg(figure: "Figure", title: str) -> str:
    """Return the figure alone: no prolog, no metadata, and ids that no other chart has."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    name = re.sub(r"\W+", "-", title)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    for color, variable in _VARIABLES.items():
        text = text.replace(color, variable)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    label = f'<svg role="img" aria-label="{html.escape(title)}" '
    return text.replace("<svg ", label, 1).strip()
