"""A spec from what Terraform built: ``terraform output -json`` in, ``deployer.yaml`` out.

An output called ``targets`` (a list) or ``target`` (one) is read; each is what our modules' output
``target`` says. Nothing is copied by hand, and nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deployer.errors import SourceError
from deployer.spec.scalars import STORE, DnsLabel, Namespace, Text
from deployer.values import Cloud, Json

__all__ = ["Outputs", "TargetOutput", "describe_target", "read_outputs"]

_HINT = "terraform output -json > terraform.json, in the folder that was applied."


class _Part(BaseModel):
    # What a newer module adds is no fault.
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Store(_Part):
    url: Annotated[str, Field(pattern=STORE)]
    endpoint: Text | None = None


class TargetOutput(_Part):
    """What a module says of its target."""

    name: DnsLabel
    provider: Cloud
    region: Text
    store: _Store
    cluster: dict[str, Text | None]
    namespace: Namespace
    machine: Text | None = None
    deployments: tuple[DnsLabel, ...] = Field(min_length=1)
    annotations: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outputs:
    """All targets of one ``terraform output -json``."""

    targets: tuple[TargetOutput, ...]

    @property
    def annotations(self) -> Mapping[str, str]:
        """What the pods' ServiceAccounts need: each cloud reads its own keys, so all go together.

        Raises:
            SourceError: Two targets want different values under one key.
        """
        merged: dict[str, str] = {}
        for target in self.targets:
            for key, value in target.annotations.items():
                if merged.setdefault(key, value) != value:
                    raise SourceError(
                        f"two targets want the annotation {key} with different values",
                        hint="Write a spec for each: terraform output -json of one at a time.",
                    )
        return merged

    def name_deployment(self, wanted: str | None) -> str:
        """Return the deployment's name: the one wanted, else the only one there is.

        Raises:
            SourceError: The pods of no such deployment may pull, or there are several.
        """
        common = set.intersection(*(set(target.deployments) for target in self.targets))
        if wanted is None and len(common) == 1:
            return common.pop()
        if wanted in common:
            return str(wanted)
        names = ", ".join(sorted(common)) or "none on every target"
        asked = f"pods of {wanted!r} may not pull" if wanted else "there are several deployments"
        raise SourceError(
            f"{asked}; Terraform prepared: {names}",
            hint="--name takes one of them; the module's variable deployments adds another.",
        )


def read_outputs(document: Json, *, file: Path) -> Outputs:
    """Return the targets in a document.

    Raises:
        SourceError: It is no output of Terraform's, has no target, or one is not what we know.
    """
    values = _find_targets(document)
    if not values:
        raise SourceError(f"{file} has no output called targets or target", hint=_HINT)
    try:
        targets = tuple(TargetOutput.model_validate(value) for value in values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise SourceError(
            f"{file}: a target is not what our modules write: {where}: {first['msg']}", hint=_HINT
        ) from error
    names = [target.name for target in targets]
    if len(set(names)) < len(names):
        raise SourceError(f"{file}: two targets have one name: {', '.join(sorted(names))}")
    return Outputs(targets)


def describe_target(target: TargetOutput) -> str:
    """Return the target as it stands under ``targets:`` of a spec."""
    cluster = ", ".join(f"{k}: {_word(v)}" for k, v in target.cluster.items() if v is not None)
    store = f"url: {target.store.url}, endpoint: {_word(target.store.endpoint or '')}"
    lines = [
        f"  - name: {target.name}",
        f"    provider: {target.provider.value}",
        f"    region: {_word(target.region)}",
        f"    store: {f'{{{store}}}' if target.store.endpoint else _word(target.store.url)}",
        f"    cluster: {{{cluster}}}",
        f"    namespace: {_word(target.namespace)}",
    ]
    if target.machine:
        lines.insert(3, f"    machine: {_word(target.machine)}    # what a node is, for prices")
    return "\n".join(lines) + "\n"


def _find_targets(document: Json) -> list[Json]:
    """Return the values of ``targets`` and ``target``; in modules' own outputs, too."""
    if not isinstance(document, dict):
        return []
    found: list[Json] = []
    for name in ("targets", "target"):
        output = document.get(name)
        value = output.get("value") if isinstance(output, dict) else None
        found += value if isinstance(value, list) else [value] if value is not None else []
    return found


def _word(text: str) -> str:
    """Return a scalar as YAML; quoted, which JSON's strings are."""
    import json  # noqa: PLC0415 - `--help` reads this module

    return json.dumps(text)
