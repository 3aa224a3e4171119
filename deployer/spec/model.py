"""What a user may write in ``deployer.yaml``: the shape, frozen, with its defaults.

Only shapes and single values are checked here. What takes more than one field is checked by
`deployer.spec.checks`.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, Tag

from deployer.ports import StoreSettings
from deployer.spec.alerts import Alerts
from deployer.spec.analysis import Analysis
from deployer.spec.costs import Budget, Usage
from deployer.spec.objectives import Slo
from deployer.spec.part import Part
from deployer.spec.patch import Patch
from deployer.spec.placement import Nodes, Way, canary_url_of, url_of
from deployer.spec.routing import Routing
from deployer.spec.scalars import (
    FIELD,
    HTTP,
    STORE,
    DnsLabel,
    Namespace,
    Seconds,
    Text,
)
from deployer.spec.service import RuntimeSpec, ServiceSpec
from deployer.spec.signer import Signer
from deployer.spec.strategy import Strategy
from deployer.values import Cloud

__all__ = [
    "ClusterSpec",
    "Evaluate",
    "Gates",
    "ModelSpec",
    "Parity",
    "Quorum",
    "Smoke",
    "Spec",
    "StateSpec",
    "StoreSpec",
    "TargetSpec",
]


class ModelSpec(Part):
    """The trained model: where its files are, and their format."""

    path: Text = Field(description="A file or a folder, relative to the spec's folder.")
    format: Text | None = Field(
        None, description="sklearn, xgboost, onnx, …; guessed from the files when left out."
    )
    version: Text | None = Field(None, description="Your own label; shown in history.")
    scan: Literal["required"] | None = Field(
        None, description="required: pickles are looked into, and refused when they do harm."
    )
    signer: Signer | None = Field(
        None,
        description="Who signed the model (model.sig): a public key or certificate, in PEM; or "
        "{identity: …, issuer: …}.",
    )
    signature: Literal["required"] | None = Field(
        None, description="required: only a model that the signer signed is deployed."
    )


class StoreSpec(Part):
    """A bucket, with an optional prefix."""

    url: str = Field(pattern=STORE, description="s3://, gs://, az:// or file://, with a prefix.")
    endpoint: str | None = Field(
        None, pattern=HTTP, description="Another server than the cloud's own."
    )
    compat: bool = Field(
        default=False, description="It only speaks S3: MD5 of each part, and what is there is read."
    )
    payer: Text | None = Field(
        None, description="Requester pays: a project of Google Cloud; on S3 the word requester."
    )
    encryption: Text | None = Field(
        None, description="A KMS key (S3, Cloud Storage) or an encryption scope (Azure) by name."
    )

    customer_key: str | None = Field(
        None,
        pattern="^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$",
        description="Where the key is that you send with each request: env:NAME or file:/PATH.",
    )

    @property
    def settings(self) -> StoreSettings:
        """What the bucket asks of those who use it."""
        return StoreSettings(
            self.compat, self.payer or "", self.encryption or "", self.customer_key or ""
        )


def _store(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


_Store = Annotated[
    StoreSpec,
    BeforeValidator(
        _store, json_schema_input_type=Annotated[str, Field(pattern=STORE)] | StoreSpec
    ),
]
"""A store's URL, or the URL with an endpoint."""


class ClusterSpec(Part):
    """Where pods run: exactly one of eks, gke, aks, context, kubeconfig, local."""

    eks: Text | None = Field(None, description="An EKS cluster's name.")
    gke: Text | None = Field(None, description="A GKE cluster's name.")
    aks: Text | None = Field(None, description="An AKS cluster's name, with resource_group.")
    resource_group: Text | None = Field(None, description="The AKS cluster's resource group.")
    role: Text | None = Field(None, description="EKS: the ARN of a role to take on first.")
    project: Text | None = Field(None, description="GKE: the project; else your login's own.")
    location: Text | None = Field(None, description="GKE: a zone; else the target's region.")
    subscription: Text | None = Field(
        None, description="AKS: the subscription; else AZURE_SUBSCRIPTION_ID."
    )
    context: Text | None = Field(None, description="A context of your kubeconfig.")
    kubeconfig: Text | None = Field(
        None, description="A kubeconfig file; its current context unless context says another."
    )
    local: Text | None = Field(None, description="A folder; deployer runs the pods as processes.")
    insecure: bool = Field(
        False, description="Accept a kubeconfig that does not verify the server, or has no TLS."
    )

    @property
    def managed(self) -> str | None:
        """The name by which a cloud knows the cluster; None for any other kind."""
        return self.eks or self.gke or self.aks


class TargetSpec(Part):
    """One place to deploy to."""

    name: DnsLabel = Field(description="Your name for it; stable, it is in the records.")
    provider: Cloud = Field(description="Whose store, cluster and prices.")
    region: str = Field("", description="The provider's region, such as us-east-1.")
    store: _Store = Field(description="The bucket that the model and the state go to.")
    cluster: ClusterSpec = Field(description="Where pods run.")
    namespace: Namespace = Field("default", description="The cluster's namespace to use.")
    machine: str = Field("", description="What a node is, for prices and placement.")
    endpoint: str | None = Field(
        None, pattern=HTTP, description="Where the router reaches it; found when left out."
    )
    canary_endpoint: str | None = Field(
        None,
        pattern=HTTP,
        description="Where the router reaches a canary; goes with endpoint, else it is found.",
    )
    expose: Way | None = Field(
        None,
        description="load-balancer, internal, cluster, or {ingress: …} or {gateway: …}; a cloud's "
        "clusters have a load balancer when left out, others none.",
    )
    identity: Text | None = Field(
        None,
        description="The cloud identity of the pods: a role's ARN (EKS), a service account's "
        "e-mail (GKE), a managed identity's client id (AKS).",
    )
    nodes: Nodes = Field(Nodes(), description="Which nodes the pods may run on.")
    timeout: Seconds = Field(600.0, description="How long this target may take before it is down.")

    @property
    def address(self) -> str | None:
        """Where routers reach it, as far as the spec says; None when the cluster must tell."""
        return self.endpoint or url_of(self.expose)

    @property
    def canary_address(self) -> str | None:
        """Where routers reach a canary on it; None when the cluster must tell."""
        return self.canary_endpoint or canary_url_of(self.expose)


class Quorum(Part):
    """This many targets are enough."""

    quorum: int = Field(ge=1, description="How many targets must succeed.")


class Smoke(Part):
    """Real predictions against the new release, before any traffic."""

    requests: Text | None = Field(
        None, description="A JSON file of requests, with expected answers."
    )
    agree: float = Field(
        1.0, ge=0, le=1, description="The share of expected answers that must be met."
    )
    timeout: Seconds = Field(30.0, description="How long one request may take.")


class Evaluate(Part):
    """Quality on a labelled hold-out set; thresholds, champion, or both."""

    dataset: Text = Field(description="A CSV file: features, and the label last.")
    label: Text | None = Field(None, description="The label's column; the last when left out.")
    query: Text | None = Field(
        None, description="A ranking: the column that says which query a row belongs to."
    )
    task: Literal["classification", "regression"] | None = Field(
        None, description="Told from the labels when left out."
    )
    thresholds: dict[str, float] = Field(
        default_factory=dict,
        description="The least each metric may be; of an error or a loss, the most.",
    )
    champion: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="How much worse than the live release's each metric may be.",
    )


class Parity(Part):
    """The same answers on every target, to the hold-out rows and the example requests."""

    tolerance: float = Field(
        1e-6, ge=0, description="By how much numbers may differ: absolute, or of the larger one."
    )
    differ: float = Field(0.0, ge=0, le=1, description="The share of answers that may differ.")


class Gates(Part):
    """What a release must pass before it may take traffic."""

    smoke: Smoke = Field(Smoke(), description="Real predictions against the new release.")
    evaluate: Evaluate | None = Field(None, description="Quality on a labelled hold-out set.")
    parity: Parity | None = Field(None, description="The same answers on every target.")
    analysis: Analysis | None = Field(
        None, description="What users must get of it while it soaks, as a router counts it."
    )


class StateSpec(Part):
    """Where the state lives, besides the targets' own stores."""

    stores: tuple[_Store, ...] = Field((), description="More stores, for a majority.")
    lease: Seconds = Field(
        15.0, ge=1, description="How long a run that died holds the others up, at most."
    )


def _runtime_tag(value: object) -> str:
    return "(name)" if isinstance(value, str) else "(image)"


_Runtime = Annotated[
    Annotated[str, Tag("(name)")] | Annotated[RuntimeSpec, Tag("(image)")],
    Discriminator(_runtime_tag),
]
"""A runtime of the library by its name, or one of the user's own."""


def _outcome_tag(value: object) -> str:
    return "(word)" if isinstance(value, str) else "(quorum)"


_Outcome = Annotated[
    Annotated[Literal["all", "keep-going"], Tag("(word)")] | Annotated[Quorum, Tag("(quorum)")],
    Discriminator(_outcome_tag),
]
"""What counts as success over all targets."""


class Spec(Part):
    """``deployer.yaml``, validated. Relative paths are relative to the file's folder."""

    name: DnsLabel = Field(description="The deployment's name; its Service is called this.")
    model: ModelSpec = Field(description="The trained model.")
    runtime: _Runtime = Field(
        "mlserver-sklearn", description="A model server of the library, or {image: …}."
    )
    service: ServiceSpec = Field(ServiceSpec(), description="How the model is served.")
    targets: tuple[TargetSpec, ...] = Field(min_length=1, description="Where it is served.")
    strategy: Strategy = Field(Strategy(), description="How traffic moves to a new release.")
    outcome: _Outcome = Field("all", description="all targets or none, keep-going, or {quorum: K}.")
    gates: Gates = Field(Gates(), description="What a release must pass to take traffic.")
    routing: Routing = Field(Routing(), description="How the router shares traffic out.")
    budget: Budget | None = Field(None, description="What a month may cost.")
    slo: Slo | None = Field(None, description="What each target is to hold: answers, and how fast.")
    alerts: Alerts = Field(Alerts(), description="Whom `report alerts --send` tells, and how.")
    usage: Usage = Field(Usage(), description="What a month brings, for what plans cost.")
    prices: Text | None = Field(
        None, description="Your own prices: a CSV file in the price book's form; they come first."
    )
    patches: tuple[Patch, ...] = Field(
        (),
        description="Your own objects, strategic merges and JSON patches: files, folders, or - "
        "for standard input.",
    )
    conflicts: dict[Annotated[str, Field(pattern=FIELD)], Literal["fail", "yield", "force"]] = (
        Field(
            default_factory=dict,
            description="A field that somebody else owns, such as Deployment:spec.replicas: "
            "fail (the default), yield it to its owner, or force it.",
        )
    )
    state: StateSpec = Field(StateSpec(), description="Where the state lives.")
    _file: Path = PrivateAttr(Path("deployer.yaml"))

    @property
    def file(self) -> Path:
        """The file this was read from; never written down with the spec."""
        return self._file

    @property
    def folder(self) -> Path:
        """What relative paths in the spec are relative to."""
        return self._file.parent

    def locate(self, path: str) -> Path:
        """Return where ``path``, as written in the spec, is on this machine."""
        return self.folder / Path(path).expanduser()

    def read_from(self, file: Path) -> "Spec":
        """Return the same spec, read from ``file``."""
        copy = self.model_copy()
        copy._file = file  # noqa: SLF001 - our own, and the only place that sets it
        return copy

    def target(self, name: str) -> TargetSpec:
        """Return the target called ``name``.

        Raises:
            KeyError: There is none.
        """
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(name)
