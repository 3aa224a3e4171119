"""``deployer report inputs``: whether a model is asked what it was trained on."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.cli.options import Format, Output
from deployer.errors import SetupError
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.evaluation.drift import Drift, FeatureDrift

__all__ = ["inputs"]

_SCHEMA = "deployer/inputs/v1"
_COLUMNS = (
    output.Column("feature"),
    output.Column("verdict"),
    output.Column("psi", right=True),
    output.Column("ks", right=True, drop=1),
    output.Column("p", right=True, drop=2),
    output.Column("missing", right=True, drop=3),
)
_EXIT_CODES = {"steady": 0, "watch": 0, "drifted": 1, "unknown": 3}


def inputs(
    profile: Annotated[
        Path, typer.Argument(metavar="PROFILE", help="A CSV of inputs the model was trained on.")
    ],
    live: Annotated[Path, typer.Argument(metavar="LIVE", help="A CSV of inputs it is asked now.")],
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="NAME", help="A column that is no input; repeatable."),
    ] = None,
    output_format: Output = Format.TABLE,
) -> None:
    """Compare live inputs with those the model was trained on.

    For each feature the population stability index and the test of Kolmogorov and Smirnov. Exits 0
    when nothing has drifted, 1 when a feature has, 3 when there is too little to say of one.

    Example: deployer report inputs train.csv live.csv --ignore species
    """
    if importlib.util.find_spec("scipy") is None:
        raise SetupError("comparing inputs needs SciPy", hint="pip install 'deployer[evaluate]'")
    from deployer.evaluation.drift import compare_inputs
    from deployer.evaluation.inputs import load_inputs

    found = compare_inputs(load_inputs(profile), load_inputs(live), ignore=ignore or ())
    if output_format is Format.JSON:
        _print_json(found)
    else:
        _print(found, wide=output_format is Format.WIDE)
    raise typer.Exit(_EXIT_CODES[found.shift])


def _print(found: "Drift", *, wide: bool) -> None:
    drifted = sum(it.shift == "drifted" for it in found.features)
    count = format_count(len(found.features), "feature")
    typer.echo(
        f"{found.shift}: {drifted} of {count} drifted; "
        f"{found.live_rows:,} rows now, {found.profile_rows:,} in training\n"
    )
    output.print_table(_COLUMNS, [_cells(it) for it in found.features], wide=wide)
    for it in found.features:
        if it.reason:
            typer.echo(f"{it.name}: {it.reason}")
    if found.extra:
        typer.echo(f"not in training: {', '.join(found.extra)}")


def _cells(it: "FeatureDrift") -> list[str]:
    then, now = it.missing
    return [
        it.name,
        it.shift.value,
        NOTHING if it.psi is None else f"{it.psi:.3f}",
        NOTHING if it.statistic is None else f"{it.statistic:.3f}",
        NOTHING if it.p_value is None else f"{it.p_value:.2g}",
        f"{then:.1%} → {now:.1%}",
    ]


def _print_json(found: "Drift") -> None:
    output.print_json(
        _SCHEMA,
        {
            "verdict": found.shift.value,
            "profile_rows": found.profile_rows,
            "live_rows": found.live_rows,
            "extra": list(found.extra),
            "features": [
                {
                    "feature": it.name,
                    "verdict": it.shift.value,
                    "psi": it.psi,
                    "ks": it.statistic,
                    "p_value": it.p_value,
                    "missing_then": it.missing[0],
                    "missing_now": it.missing[1],
                    "reason": it.reason or None,
                }
                for it in found.features
            ],
        },
    )
