"""What a user may write in ``deployer.yaml``: the shape, frozen, with its defaults.

Only shapes and single values are checked here. What takes more than one field, or the disk, is
checked by `deployer.spec.checks`; what the program can't do yet is refused there too.
"""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from deployer.values import Cloud

__all__ = [
    "Budget",
    "ClusterSpec",
    "Evaluate",
    "Gates",
    "ModelSpec",
    "Quorum",
    "Replicas",
    "Resources",
    "Routing",
    "RuntimeSpec",
    "Seconds",
    "ServiceSpec",
    "Smoke",
    "Spec",
    "StateSpec",
    "StoreSpec",
    "Strategy",
    "TargetSpec",
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError("expected a duration such as 30s, 2m or 500ms")
        return float(match[1]) * _UNITS[match[2]]
    return value


_DURATION_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h)$"},
        {"type": "number", "minimum": 0},
    ]
}

Seconds = Annotated[
    float, BeforeValidator(_seconds), Field(ge=0, json_schema_extra=_DURATION_SCHEMA)
]
"""A duration: ``30s``, ``2m``, ``500ms``, or a number of seconds."""

DnsLabel = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$")]
"""A Kubernetes name that leaves room for ``-r000042`` and hashes: at most 40 characters."""

Quantity = Annotated[str, Field(pattern=r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
"""A Kubernetes quantity, as a string."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class ModelSpec(_Part):
    """The trained model: where its files are, and their format."""

    path: str = Field(description="A file or a folder, relative to the spec's folder.")
    format: str | None = Field(None, description="Guessed from the files when left out.")
    version: str | None = Field(None, description="Your own label; shown in history.")


class RuntimeSpec(_Part):
    """A model server that is not in the library."""

    image: str
    command: tuple[str, ...] = ()
    port: int = Field(8080, ge=1, le=65535)
    health: str = Field("/v2/health/ready", pattern=r"^/")
    protocol: Literal["open-inference-v2", "custom"] = "open-inference-v2"


class Replicas(_Part):
    """How many copies run per target."""

    min: int = Field(1, ge=1)
    max: int | None = Field(
        None, ge=1, description="Scale up to this many; the same as min when left out."
    )


class Resources(_Part):
    """What one copy asks for."""

    cpu: Quantity = "1"
    memory: Quantity = "1Gi"
    gpu: int = Field(0, ge=0)


class ServiceSpec(_Part):
    """How the model is served."""

    replicas: Replicas = Replicas()
    resources: Resources = Resources()
    env: dict[str, str] = Field(default_factory=dict)
    image: str | None = Field(
        None, description="The image that holds deployer, for pulling the model."
    )


class StoreSpec(_Part):
    """A bucket, with an optional prefix."""

    url: str = Field(pattern=r"^(s3|gs|az|file)://.+", description="s3://, gs://, az:// or file://")
    endpoint: str | None = Field(
        None, pattern=r"^https?://", description="Another server than the cloud's own."
    )


def _store(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


Store = Annotated[StoreSpec, BeforeValidator(_store)]


class ClusterSpec(_Part):
    """Where pods run: exactly one of eks, gke, aks, context, kubeconfig, local."""

    eks: str | None = None
    gke: str | None = None
    aks: str | None = None
    resource_group: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    local: str | None = Field(None, description="A folder; deployer runs the pods as processes.")


class TargetSpec(_Part):
    """One place to deploy to."""

    name: DnsLabel
    provider: Cloud
    region: str = ""
    store: Store
    cluster: ClusterSpec
    namespace: DnsLabel = "default"
    machine: str = Field("", description="What a node is, for prices and placement.")
    endpoint: str | None = Field(
        None, pattern=r"^https?://", description="Where the router reaches it; found when left out."
    )
    timeout: Seconds = Field(600.0, description="How long this target may take before it is down.")


class Strategy(_Part):
    """How traffic moves to a new release."""

    type: Literal["blue-green", "canary", "rolling"] = "blue-green"
    soak: Seconds = 60.0
    steps: tuple[Annotated[int, Field(ge=1, le=100)], ...] = ()
    hold: Seconds = 120.0


class Quorum(_Part):
    """This many targets are enough."""

    quorum: int = Field(ge=1)


class Smoke(_Part):
    """Real predictions against the new release, before any traffic."""

    requests: str | None = Field(
        None, description="A JSON file of requests, with expected answers."
    )
    agree: float = Field(
        1.0, ge=0, le=1, description="The share of expected answers that must be met."
    )
    timeout: Seconds = 30.0


class Evaluate(_Part):
    """Quality on a labelled hold-out set."""

    dataset: str
    thresholds: dict[str, float]


class Gates(_Part):
    """What a release must pass before it may take traffic."""

    smoke: Smoke = Smoke()
    evaluate: Evaluate | None = None
    parity: dict[str, float] | None = None
    analysis: dict[str, float] | None = None


class Routing(_Part):
    """How the router shares traffic out."""

    policy: Literal["weighted", "latency", "cost", "priority", "region"] = "weighted"
    weights: dict[str, Annotated[int, Field(ge=0, le=1000)]] = Field(default_factory=dict)
    idempotent: bool = Field(False, description="A prediction may be sent twice without harm.")


def _money(value: object) -> object:
    if isinstance(value, str):
        amount, _, currency = value.strip().partition(" ")
        return {"amount": amount, "currency": currency or "USD"}
    return value


class MoneySpec(_Part):
    """An amount with its currency, written ``"1200 USD"``."""

    amount: Decimal = Field(gt=0)
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$")


class Budget(_Part):
    """What a month may cost."""

    monthly: Annotated[MoneySpec, BeforeValidator(_money)]
    on_exceed: Literal["warn", "deny"] = "warn"


class StateSpec(_Part):
    """Where the state lives, besides the targets' own stores."""

    stores: tuple[Store, ...] = ()


class Spec(_Part):
    """``deployer.yaml``, validated. Relative paths are relative to the file's folder."""

    name: DnsLabel
    model: ModelSpec
    runtime: str | RuntimeSpec = "mlserver-sklearn"
    service: ServiceSpec = ServiceSpec()
    targets: tuple[TargetSpec, ...] = Field(min_length=1)
    strategy: Strategy = Strategy()
    outcome: Literal["all", "keep-going"] | Quorum = "all"
    gates: Gates = Gates()
    routing: Routing = Routing()
    budget: Budget | None = None
    patches: tuple[str, ...] = ()
    conflicts: dict[str, Literal["yield", "force"]] = Field(default_factory=dict)
    state: StateSpec = StateSpec()

    def target(self, name: str) -> TargetSpec:
        """Return the target called ``name``.

        Raises:
            KeyError: There is none.
        """
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(name)
