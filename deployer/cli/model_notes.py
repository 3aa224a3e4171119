"""What a plan says of the model itself: what loading it runs, and who signed it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.artifact import Artifact
    from deployer.spec import Spec

__all__ = ["list_model_notes"]

_NAMED = 3


def list_model_notes(spec: "Spec", artifact: "Artifact") -> list[str]:
    """Return the notes, a sentence each; of a model that was let pass."""
    from deployer.artifact import describe_signature
    from deployer.execution import find_signer

    signed = describe_signature(spec.locate(spec.model.path), find_signer(spec))
    pickles = _describe_pickles(artifact, scanned=spec.model.scan is not None)
    notes = [_describe_mlmodel(artifact), pickles, signed]
    return [note for note in notes if note]


def _describe_mlmodel(artifact: "Artifact") -> str:
    from deployer.artifact import read_mlmodel

    found = read_mlmodel(artifact)
    if found is None:
        return ""
    flavors = f"an MLflow model ({', '.join(found.flavors)})"
    if not found.inputs:
        return f"{flavors} without a signature: what it takes is not checked"
    gives = f", gives {', '.join(found.outputs)}" if found.outputs else ""
    return f"{flavors} that takes {', '.join(found.inputs)}{gives}"


def _describe_pickles(artifact: "Artifact", *, scanned: bool) -> str:
    from deployer.artifact import find_pickles

    found = find_pickles(file.path for file in artifact.files)
    if not found:
        return ""
    names = ", ".join(found[:_NAMED])
    names += f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    next_step = "it was looked into." if scanned else "model: {scan: required} looks into it."
    return f"{names}: a pickle runs code of whoever wrote it when it is loaded; {next_step}"
