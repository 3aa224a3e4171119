"""What a release must pass before it takes traffic, as recorded with it."""

from pydantic import Field

from deployer.evaluation import Holdout
from deployer.release.record import Record
from deployer.values import Json

__all__ = ["AnalysisRecord", "EvaluateRecord", "GatesRecord", "ParityRecord", "SmokeRecord"]


class SmokeRecord(Record):
    """The smoke gate as it ran: requests in the Open Inference Protocol v2, expected answers."""

    requests: tuple[Json, ...] = ()
    agree: float = 1.0
    timeout_seconds: float = 30.0


class EvaluateRecord(Record):
    """The evaluate gate as it ran, with the rows: they are what a verdict rests on.

    Attributes:
        thresholds: The least of each score, the most of each error or loss.
        champion: How much worse than the live release's each metric may be.
    """

    holdout: Holdout
    thresholds: dict[str, float] = Field(default_factory=dict)
    champion: dict[str, float] = Field(default_factory=dict)


class ParityRecord(Record):
    """The parity gate as it ran: by how much numbers, and in what share answers, may differ."""

    tolerance: float
    differ: float


class AnalysisRecord(Record):
    """The analysis gate as it ran.

    Attributes:
        error_rate: The share of requests that may fail.
        worse: How much larger that may be than the old release's.
        share: Of answers that must begin within ``under`` seconds.
        slower: How much smaller that may be than the old release's.
        requests: How many must be seen for a verdict.
        wait_seconds: How much longer is watched for want of them.
    """

    router: str
    error_rate: float | None = None
    worse: float | None = None
    under: float | None = None
    share: float | None = None
    slower: float | None = None
    requests: int = 50
    wait_seconds: float = 0.0


class GatesRecord(Record):
    """Every gate of a release; None for one that was not asked for."""

    smoke: SmokeRecord = SmokeRecord()
    evaluate: EvaluateRecord | None = None
    parity: ParityRecord | None = None
    analysis: AnalysisRecord | None = None
