"""Reads what a spec's gates name: example requests, and a labelled hold-out set."""

import importlib.util

from deployer.errors import Fault, SetupError, SourceError, SpecError
from deployer.evaluation import Holdout, load_holdout, metric_names
from deployer.release.gates import (
    AnalysisRecord,
    EvaluateRecord,
    GatesRecord,
    ParityRecord,
    SmokeRecord,
)
from deployer.spec import Spec, load_requests, protocol_of
from deployer.spec.analysis import Analysis
from deployer.spec.model import Evaluate

__all__ = ["load_gates"]

_MOST_BYTES = 4 * 1024**2
"""Of a hold-out set: it is recorded with every release and every run, in every store."""


def load_gates(spec: Spec) -> GatesRecord:
    """Return the gates with all they need, so that a release can be judged again from its record.

    Raises:
        SpecError: A file cannot be read or is not of the form, or a gate asks for what there is
            not.
        SourceError: The hold-out set has faults.
        SetupError: scikit-learn is missing.
    """
    smoke, parity = spec.gates.smoke, spec.gates.parity
    return GatesRecord(
        smoke=SmokeRecord(
            requests=load_requests(spec), agree=smoke.agree, timeout_seconds=smoke.timeout
        ),
        evaluate=_load_evaluate(spec, spec.gates.evaluate) if spec.gates.evaluate else None,
        parity=ParityRecord(tolerance=parity.tolerance, differ=parity.differ) if parity else None,
        analysis=_record_analysis(spec.gates.analysis) if spec.gates.analysis else None,
    )


def _record_analysis(gate: Analysis) -> AnalysisRecord:
    return AnalysisRecord(
        router=gate.router,
        error_rate=gate.error_rate,
        worse=gate.worse,
        under=gate.latency.under if gate.latency else None,
        share=gate.latency.share if gate.latency else None,
        slower=gate.slower,
        requests=gate.requests,
        wait_seconds=gate.wait,
    )


def _load_evaluate(spec: Spec, gate: Evaluate) -> EvaluateRecord:
    protocol = protocol_of(spec)
    if protocol != "open-inference-v2":
        raise _refuse(
            spec,
            "evaluate",
            f"rows are sent in the Open Inference Protocol v2, and this runtime speaks {protocol}",
        )
    if importlib.util.find_spec("sklearn") is None:
        raise SetupError(
            "gates.evaluate needs scikit-learn", hint="pip install 'deployer[evaluate]'"
        )
    holdout = _load_holdout(spec, gate)
    known = metric_names(holdout)
    for place, bounds in (("thresholds", gate.thresholds), ("champion", gate.champion)):
        for name in bounds:
            if name not in known:
                why = f"there is no metric {name!r}; there are {', '.join(known)}"
                raise _refuse(spec, f"evaluate.{place}", why)
    return EvaluateRecord(holdout=holdout, thresholds=gate.thresholds, champion=gate.champion)


def _load_holdout(spec: Spec, gate: Evaluate) -> Holdout:
    file = spec.locate(gate.dataset)
    size = file.stat().st_size if file.is_file() else 0  # whatever else it is, it cannot be read
    if size > _MOST_BYTES:
        raise SourceError(
            f"{file}: {size / 1024**2:.1f} MiB are too much for a gate, which is recorded with "
            f"every release: at most {_MOST_BYTES // 1024**2} MiB",
            hint="Take a sample for the gate; `deployer evaluate --data` takes any size.",
        )
    return load_holdout(file, label=gate.label, task=gate.task, query=gate.query)


def _refuse(spec: Spec, where: str, why: str) -> SpecError:
    return SpecError(
        f"{spec.file}: gates.{where}: {why}",
        file=spec.file,
        faults=[Fault(1, 1, f"gates.{where}", why)],
    )
