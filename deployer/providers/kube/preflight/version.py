"""Whether the cluster is of a version that we can work with."""

import re
from typing import Any

from deployer.ports import Finding, Severity

__all__ = ["check_version"]

_OLDEST = 23  # autoscaling/v2 is there since 1.23, and server-side apply for good since 1.22
_TESTED = 31  # the library's manifests are checked against the schemas from 1.31 on


def check_version(answer: Any) -> Finding:
    """Judge what ``/version`` says."""
    told = str(answer.get("gitVersion", "unknown"))
    found = re.match(r"v?1\.(\d+)", told)
    if found is None:
        return Finding("version", Severity.WARNING, f"version {told} is none that is known")
    minor = int(found[1])
    if minor < _OLDEST:
        words = f"Kubernetes {told} is too old: 1.{_OLDEST} is the oldest that can work"
        return Finding("version", Severity.ERROR, words, "Upgrade the cluster.")
    if minor < _TESTED:
        words = f"Kubernetes {told} is older than what is tested, 1.{_TESTED}"
        return Finding("version", Severity.WARNING, words)
    return Finding("version", Severity.OK, f"Kubernetes {told}")
