"""The model's files as a content-addressed tree: scan, push, pull, verify.

Knows `ObjectStore` and nothing of clouds. An artifact lies under ``artifacts/sha256/<digest>/``
with its files' own names; the manifest, written last, is what makes it visible.
"""

from deployer.artifact.fallback import Pulled, Source, pull_from_any
from deployer.artifact.fan_out import push_to_all
from deployer.artifact.garbage import (
    Garbage,
    Place,
    Rules,
    Swept,
    find_garbage,
    sweep_garbage,
)
from deployer.artifact.inventory import StoredArtifact, list_artifacts
from deployer.artifact.keys import artifact_uri, split_uri
from deployer.artifact.mlmodel import MlModel, read_mlmodel
from deployer.artifact.model import Artifact, ArtifactFile
from deployer.artifact.pickles import find_pickles, screen_pickles
from deployer.artifact.pull import pull_artifact
from deployer.artifact.push import Pushed, push_artifact
from deployer.artifact.repair import Repaired, repair_artifact
from deployer.artifact.replicate import Replicated, replicate_artifact
from deployer.artifact.scan import scan_artifact
from deployer.artifact.signature import describe_signature, screen_signature
from deployer.artifact.signer import Identity, Signer
from deployer.artifact.verify import VerifyReport, ask_for_artifact, has_artifact, verify_artifact

__all__ = [
    "Artifact",
    "ArtifactFile",
    "Garbage",
    "Identity",
    "MlModel",
    "Place",
    "Pulled",
    "Pushed",
    "Repaired",
    "Replicated",
    "Rules",
    "Signer",
    "Source",
    "StoredArtifact",
    "Swept",
    "VerifyReport",
    "artifact_uri",
    "ask_for_artifact",
    "describe_signature",
    "find_garbage",
    "find_pickles",
    "has_artifact",
    "list_artifacts",
    "pull_artifact",
    "pull_from_any",
    "push_artifact",
    "push_to_all",
    "read_mlmodel",
    "repair_artifact",
    "replicate_artifact",
    "scan_artifact",
    "screen_pickles",
    "screen_signature",
    "split_uri",
    "sweep_garbage",
    "verify_artifact",
]
