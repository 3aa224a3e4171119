"""Looking after what lies in the stores: list, check, mend, and collect what nobody refers to.

Works on every store of a spec's targets at once. What is referred to is read from all state stores
that answer, of every deployment that keeps its state there, not of the spec's alone.
"""

from deployer.upkeep.check import Verdict, check_artifacts
from deployer.upkeep.collect import Collected, collect_garbage
from deployer.upkeep.mend import Mended, mend_artifacts
from deployer.upkeep.survey import Copy, Holding, Survey, Upkeep, survey_artifacts

__all__ = [
    "Collected",
    "Copy",
    "Holding",
    "Mended",
    "Survey",
    "Upkeep",
    "Verdict",
    "check_artifacts",
    "collect_garbage",
    "mend_artifacts",
    "survey_artifacts",
]
