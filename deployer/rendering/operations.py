"""JSON patches (RFC 6902), by the library of that name."""

import copy
from collections.abc import Callable, Sequence

from deployer.errors import SpecError
from deployer.ports import Manifest
from deployer.spec.tree import TreePath
from deployer.values import Json

__all__ = ["Refuse", "apply_operations"]

Refuse = Callable[[TreePath, str], SpecError]
"""Makes the error for what is wrong at a path of the patch."""


def apply_operations(manifest: Manifest, operations: Sequence[Json], refuse: Refuse) -> Manifest:
    """Return the object with the operations done one after another.

    Raises:
        SpecError: One cannot be done; made by ``refuse``, and names the operation.
    """
    result: Manifest = copy.deepcopy(dict(manifest))
    for index, operation in enumerate(operations):
        result = _apply(result, operation, index, refuse)
    return result


def _apply(manifest: Manifest, operation: Json, index: int, refuse: Refuse) -> Manifest:
    import jsonpatch  # noqa: PLC0415 - few specs have one
    import jsonpointer  # noqa: PLC0415 - the same

    try:
        result = jsonpatch.apply_patch(manifest, [operation])
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        raise refuse((index,), f"{operation['op']} {operation['path']}: {error}"[:300]) from error
    if not isinstance(result, dict):
        raise refuse((index,), "the whole object would be replaced by something else")
    return result
