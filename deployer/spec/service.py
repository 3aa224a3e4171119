"""What a user may write about the model server: its image, its size, how it scales."""

from typing import Annotated, Literal

from pydantic import Field

from deployer.spec.part import Part
from deployer.spec.scalars import PATH, VARIABLE, Quantity, Seconds, Text

__all__ = [
    "Monitor",
    "Protocol",
    "Replicas",
    "Resources",
    "RuntimeSpec",
    "ServiceSpec",
    "Trigger",
]

Protocol = Literal["open-inference-v2", "openai", "tensorflow", "custom"]
"""What predictions look like; only the first is understood, the others are passed on."""


class RuntimeSpec(Part):
    """A model server that is not in the library."""

    image: Text = Field(description="The container image that serves the model.")
    command: tuple[Text, ...] = Field(
        (), description="What to run instead of the image's entrypoint."
    )
    port: int = Field(8080, ge=1, le=65535, description="The port it listens on.")
    health: str = Field(
        "/v2/health/ready", pattern=PATH, description="Answers 200 once it can predict."
    )
    protocol: Protocol = Field("open-inference-v2", description="What predictions look like.")
    infer: str | None = Field(
        None,
        pattern=PATH,
        description="Where predictions go; /v2/models/NAME/infer for open-inference-v2, else /.",
    )
    metrics: str | None = Field(
        None, pattern=PATH, description="Where it shows Prometheus metrics, if it does."
    )


class Trigger(Part):
    """One of KEDA's scalers, as a ScaledObject takes it."""

    type: Text = Field(description="The scaler: prometheus, cron, aws-sqs-queue, …")
    metadata: dict[str, str] = Field(description="Its settings; see keda.sh/docs/scalers.")
    authentication: Text | None = Field(
        None, description="The TriggerAuthentication it logs in with."
    )


class Replicas(Part):
    """How many copies run per target."""

    min: int = Field(1, ge=1, description="Copies that always run.")
    max: int | None = Field(
        None, ge=1, description="Scale up to this many; the same as min when left out."
    )
    cpu_percent: int = Field(
        80, ge=1, le=1000, description="Scale up above this use of the processors requested."
    )
    triggers: tuple[Trigger, ...] = Field(
        (), description="Scale by these instead of processors; KEDA must be on the cluster."
    )


class Resources(Part):
    """What one copy asks for; what is left out is the runtime's own default."""

    cpu: Quantity | None = Field(None, description="Processors requested, such as 500m or 2.")
    cpu_limit: Quantity | None = Field(
        None, description="Processors at most; without it idle ones may be borrowed."
    )
    memory: Quantity | None = Field(None, description="Memory requested, and its limit.")
    gpu: int | None = Field(None, ge=0, description="Whole NVIDIA GPUs.")
    disk: Quantity | None = Field(
        None, description="A disk for the model, such as 100Gi; else the node's own is used."
    )


class Monitor(Part):
    """How the Prometheus operator finds the model server's metrics."""

    interval: Seconds = Field(30.0, ge=1, description="How often they are read.")
    labels: dict[str, str] = Field(
        default_factory=dict, description="What your Prometheus selects monitors by."
    )


class ServiceSpec(Part):
    """How the model is served."""

    replicas: Replicas = Field(Replicas(), description="How many copies run per target.")
    resources: Resources = Field(Resources(), description="What one copy asks for.")
    env: dict[Annotated[str, Field(pattern=VARIABLE)], str] = Field(
        default_factory=dict,
        description="Environment of the model server. Recorded with the release: no secrets.",
    )
    image: Text | None = Field(
        None, description="The image that holds deployer, for pulling the model."
    )
    pull_secrets: tuple[Text, ...] = Field(
        (), description="Secrets of the namespace that images are pulled with."
    )
    monitor: Monitor | None = Field(
        None, description="Makes a ServiceMonitor; {} takes the defaults."
    )
