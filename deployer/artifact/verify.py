"""Verifying what a store holds, without changing anything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from deployer.artifact.keys import MARKER, artifact_prefix, marker_key
from deployer.artifact.manifest import fetch_manifest
from deployer.artifact.model import ArtifactFile
from deployer.artifact.proof import READ_BACK, compare_stored, hash_stored
from deployer.artifact.workers import map_files
from deployer.errors import DeployerError
from deployer.parallel import ask_each
from deployer.ports import ObjectInfo, ObjectStore
from deployer.values import Digest

__all__ = ["VerifyReport", "ask_for_artifact", "has_artifact", "verify_artifact"]

_ASK_SECONDS = 5.0
_SIZE = "size"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at, how closely, and what is wrong.

    Attributes:
        checks: By path, what was compared: ``size``, ``sha256`` (the store's), ``read back``.
        problems: One sentence each, in the order of the manifest; empty when all is well.
    """

    digest: Digest
    size: int
    checks: Mapping[str, str]
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong, as far as it was looked at."""
        return not self.problems

    @property
    def state(self) -> str:
        """``damaged``; ``complete`` when of some files only sizes were compared; else ``good``."""
        if not self.good:
            return "damaged"
        return "complete" if _SIZE in self.checks.values() else "good"


def has_artifact(store: ObjectStore, digest: Digest) -> bool:
    """Return whether a push of this artifact was completed; one question, nothing is read."""
    return store.head(marker_key(digest)) is not None


def ask_for_artifact(store: ObjectStore, digest: Digest) -> bool | DeployerError:
    """Ask `has_artifact` for five seconds; return its answer, or why there is none.

    It is a question with a quick answer: a store that says nothing must hold up neither a rollback
    nor the reading of its own target's cluster (G9).
    """
    question = {store.url: partial(has_artifact, store, digest)}
    answers = ask_each(question, timeout_seconds=_ASK_SECONDS, what="find artifact")
    return answers[store.url]


def verify_artifact(store: ObjectStore, digest: Digest, *, deep: bool = False) -> VerifyReport:
    """Compare the objects of an artifact with its manifest.

    Shallow: all there, none too many, the right sizes, the right sha256 where the store keeps one.
    Deep: every byte is read and hashed.

    Raises:
        NotFoundError: The artifact is not there, or was never completed.
        IntegrityError: The manifest itself is not the one of ``digest``.
    """
    files = fetch_manifest(store, digest)
    prefix = artifact_prefix(digest)
    there = {info.key.removeprefix(prefix): info for info in store.list(prefix)}
    verdicts = map_files(lambda file: _check(store, there.get(file.path), file, deep=deep), files)
    problems = [problem for _, problem in verdicts if problem is not None]
    return VerifyReport(
        digest,
        size=sum(file.size for file in files),
        checks={file.path: how for file, (how, _) in zip(files, verdicts, strict=True)},
        problems=(*problems, *_find_strays(there, files)),
    )


def _check(
    store: ObjectStore, info: ObjectInfo | None, file: ArtifactFile, *, deep: bool
) -> tuple[str, str | None]:
    if info is None:
        return "missing", f"{file.path}: missing"
    how = "sha256" if "sha256" in info.checksums else _SIZE
    problem = compare_stored(info, file)
    if problem is not None or not deep:
        return how, problem
    found = hash_stored(store, info)
    wrong = f"{file.path}: its sha256 is {found} instead of {file.sha256}"
    return READ_BACK, None if found == file.sha256 else wrong


def _find_strays(there: Iterable[str], files: Iterable[ArtifactFile]) -> list[str]:
    known = {MARKER, *(file.path for file in files)}
    return [f"{path}: not in the manifest" for path in there if path not in known]
