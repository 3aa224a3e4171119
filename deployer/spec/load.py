"""From a file to a `Spec`, or to everything that is wrong with it."""

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from deployer.errors import SpecError
from deployer.spec.checks import Known, run_checks
from deployer.spec.environment import Expanded, expand_references
from deployer.spec.faults import explain_errors
from deployer.spec.library import find_runtime, list_runtimes, load_runtime
from deployer.spec.model import Spec
from deployer.spec.routing import Routing, RoutingFile
from deployer.spec.routing_checks import check_routing
from deployer.spec.stores import settle_stores
from deployer.spec.tree import Finding, Tree, parse_trees, read_text

__all__ = ["load_routing", "load_spec"]


def load_spec(
    path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    runtimes: Mapping[str, Collection[str]] | None = None,
) -> Spec:
    """Return the spec in the file ``path``.

    Args:
        environment: What ``${NAME}`` refers to; the process's own when left out.
        runtimes: The runtimes there are, each with the formats it serves; the library's when left
            out.

    Raises:
        SpecError: With every fault there is, each with line and column, in the order of the file.
    """
    tree = _read_tree(path)
    expanded = expand_references(tree.data, os.environ if environment is None else environment)
    expanded = settle_stores(expanded, path)
    known = Known(_library() if runtimes is None else runtimes, expanded.written, path.parent)
    findings = [*tree.findings, *expanded.findings]
    findings += run_checks(expanded.data, known)
    try:
        spec = _validate(expanded)
    except ValidationError as error:
        raise _refuse(path, tree, [*findings, *_explain(error, tree, expanded)]) from None
    if findings:
        raise _refuse(path, tree, findings)
    return spec.read_from(path)


def load_routing(path: Path, names: Sequence[str]) -> Routing:
    """Return the block ``routing`` of a file that holds nothing else.

    Args:
        names: The backends', which stand for targets.

    Raises:
        SpecError: With every fault there is, each with line and column.
    """
    tree = _read_tree(path)
    expanded = expand_references(tree.data, os.environ)
    findings = [*tree.findings, *expanded.findings, *check_routing(expanded.data, names)]
    try:
        read = RoutingFile.model_validate_json(json.dumps(expanded.data), strict=True)
    except ValidationError as error:
        raise _refuse(path, tree, [*findings, *_explain(error, tree, expanded)]) from None
    if findings:
        raise _refuse(path, tree, findings)
    return read.routing


def _read_tree(path: Path) -> Tree:
    trees = parse_trees(read_text(path), file=path)
    first, *rest = trees or (Tree(None, {}),)
    if rest:
        message = "expected one document, and this is a second one; keep one spec in a file"
        raise _refuse(path, rest[0], [Finding((), message)])
    if first.data is None:
        raise SpecError(f"{path} is empty", file=path, hint="`deployer init` writes one.")
    return first


def _library() -> Mapping[str, Collection[str]]:
    return {
        name: tuple(load_runtime(find_runtime(name, Path())).formats) for name in list_runtimes()
    }


def _validate(expanded: Expanded) -> Spec:
    """Validate as JSON: there, strict means no guessing between types, and a list is a tuple."""
    return Spec.model_validate_json(json.dumps(expanded.data), strict=True)


def _explain(error: ValidationError, tree: Tree, expanded: Expanded) -> Iterator[Finding]:
    """Explain ``error``, but where a fault of the YAML or of a reference is already reported."""
    yaml = {finding.path for finding in tree.findings if finding.place is None}
    reported = yaml | {finding.path for finding in expanded.findings}
    for finding in explain_errors(error, tree, expanded.written):
        if finding.path not in reported:
            yield finding


def _refuse(path: Path, tree: Tree, findings: list[Finding]) -> SpecError:
    faults = tree.faults(findings)
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return SpecError(
        f"{path} has {count}",
        file=path,
        faults=faults,
        hint="`deployer schema` prints every key there is.",
    )
