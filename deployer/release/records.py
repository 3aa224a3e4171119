"""What is written down, and read back by later versions: frozen records with a schema version.

``releases/000042.json`` is a `Bundle`, ``head.json`` a `Head`, ``routes.json`` `Routes`,
``lease.json`` a `LeaseRecord`, ``journal/<run>/<token>-<seq>.json`` an `Entry`: plain JSON. No
record holds a secret (G10): configuration holds references, credentials stay in the vendors'
chains.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from deployer.errors import StateError
from deployer.release.gates import GatesRecord
from deployer.release.record import SCHEMA, Document, Record
from deployer.release.steering import CheckRecord, GuardRecord, MatchRecord, RegionRecord
from deployer.values import Cloud, Digest, Json, canonical_json, digest_of

__all__ = [
    "ArtifactRecord",
    "Backend",
    "Bundle",
    "CanaryRecord",
    "Entry",
    "Head",
    "LeaseRecord",
    "Mark",
    "PriceRecord",
    "RouteSettings",
    "Routes",
    "RunRecord",
    "Span",
    "TargetBundle",
    "TierRecord",
    "content_digest",
    "decode_record",
    "encode_record",
]


class ArtifactRecord(Record):
    """The model's content: its tree digest, size in bytes and number of files."""

    digest: str
    size: int
    files: int


class TierRecord(Record):
    """One step of a graduated price: from ``begins`` units a month on."""

    begins: Decimal
    amount: Decimal


class PriceRecord(Record):
    """What one thing cost when the release was made, or why that is unknown.

    Attributes:
        kind: As `deployer.ports.PriceQuery` names it; ``instance`` is the target's machine.
        amount: Per ``unit``; an instance's per hour. Of a graduated price the first that is paid.
        vcpu: With ``memory_gib`` and ``gpus`` the size of an instance; 0 when it is not known.
        tiers: All steps of a graduated price; empty of a flat one.
    """

    kind: str = "instance"
    sku: str
    option: str = "on-demand"
    amount: Decimal | None
    unit: str = "hour"
    currency: str = "USD"
    source: str = ""
    as_of: str = ""
    confidence: str = ""
    unknown: str = ""
    vcpu: Decimal = Decimal(0)
    memory_gib: Decimal = Decimal(0)
    gpus: int = 0
    tiers: tuple[TierRecord, ...] = ()


class TargetBundle(Record):
    """All that one target needs to run this release again.

    Attributes:
        workload: The Deployment: ``iris-r42``, or ``iris`` where releases roll in one.
        direct: The Service of this release alone, for gates.
        service: The stable Service, ``iris``.
        objects: Everything to apply before the shift, in order.
        shift: The stable Service pointing to this release: what moves traffic within the target.
        canary: What leads to this release while it is a canary, the Service first; else nothing.
        canary_endpoint: Where routers reach that; None where the cluster tells.
        uri: Where the artifact is, in the target's own store.
        prices: What things cost here when the release was made, each kind once.
    """

    target: str
    cloud: Cloud
    region: str
    namespace: str
    machine: str
    workload: str
    direct: str
    service: str
    ready_path: str
    infer_path: str
    protocol: str
    replicas: int
    cpu: str
    memory: str
    gpu: int
    uri: str
    endpoint: str | None = None
    timeout_seconds: float = 600.0
    objects: tuple[Json, ...]
    shift: Json
    canary: tuple[Json, ...] = ()
    canary_endpoint: str | None = None
    prices: tuple[PriceRecord, ...] = ()

    @property
    def price(self) -> PriceRecord | None:
        """The machine's; None when none was looked up."""
        return next((price for price in self.prices if price.kind == "instance"), None)


class CanaryRecord(Record):
    """How a release takes traffic over: percent of each target's, step by step, each held."""

    steps: tuple[int, ...]
    hold_seconds: float


class Bundle(Document):
    """A release, immutable: what rollback brings back, whole (G4)."""

    number: int
    name: str
    created: datetime
    created_by: str
    tool: str
    label: str = ""
    artifact: ArtifactRecord
    config: Json
    content: str = Field(description="Digest of artifact and objects without the number.")
    gates: GatesRecord = GatesRecord()
    routing: "RouteSettings"
    weights: dict[str, int]
    soak_seconds: float
    canary: CanaryRecord | None = None
    history: int = Field(2, description="Earlier releases that stay on a cluster, scaled to 0.")
    targets: tuple[TargetBundle, ...]

    def target(self, name: str) -> TargetBundle | None:
        """Return the target's part, or None when this release does not run there."""
        return next((target for target in self.targets if target.target == name), None)


class Mark(Record):
    """What was found out about a release: never inferred, only recorded (D5)."""

    verified: datetime | None = None
    quarantined: str | None = None
    content: str = ""
    verdicts: dict[str, str] = Field(default_factory=dict)


class Span(Record):
    """A release was live on a target from ``began`` until ``ended``; None while it is."""

    target: str
    release: int
    began: datetime
    ended: datetime | None = None


class RunRecord(Record):
    """A run that has begun and not finished."""

    id: str
    kind: Literal["deploy", "rollback"]
    release: int
    inputs: str = Field(description="Digest of what was asked for; the same command resumes.")
    started: datetime
    holder: str


class Head(Document):
    """The one mutable document: what is wanted, what is live, what is known of each release.

    ``epoch`` grows by one at every write; ``token`` is the fencing token of the run that wrote it.
    ``spans`` say what was live when, the oldest first; what ended long ago is left out.
    """

    name: str
    epoch: int = 0
    token: int = 0
    desired: int | None = None
    live: dict[str, int] = Field(default_factory=dict)
    marks: dict[int, Mark] = Field(default_factory=dict)
    run: RunRecord | None = None
    spans: tuple[Span, ...] = ()
    written: datetime | None = None

    def mark(self, number: int) -> Mark:
        """Return the release's mark; an empty one when nothing is known."""
        return self.marks.get(number, Mark())


class LeaseRecord(Document):
    """The right to change a deployment. ``token`` never falls; an expired lease is free."""

    holder: str
    run: str
    token: int
    expires: datetime
    released: bool = False


class Entry(Document):
    """One line of a run's journal: written before a step (``begin``) and after it."""

    run: str
    seq: int
    token: int
    at: datetime
    event: Literal["plan", "begin", "done", "failed", "undo", "finish", "takeover"]
    phase: str = ""
    step: str = ""
    target: str = ""
    detail: str = ""
    data: Json = None


class RouteSettings(Record):
    """How routers treat the backends, and which requests are for them.

    Attributes:
        policy: As in the spec; ``latency`` lets load have a say, the others come down to tiers.
        tiers: Each target's; 0 where it has none. Lower ones are used first.
        max_in_flight: Requests at one backend at the same time.
        sticky: A field; requests with the same value of it go to the same backend.
        match: The first that a request fits says where it goes.
        shadow: The percentage of requests that targets get a copy of, besides.
        host: What ``Host`` must say; anything when empty.
        path: What paths begin with, in whole segments.
        strip: Whether backends get the path without that beginning.
    """

    policy: str = "weighted"
    tiers: dict[str, int] = Field(default_factory=dict)
    max_in_flight: int = 1024
    idempotent: bool = False
    health_path: str = "/v2/health/ready"
    region: RegionRecord = RegionRecord()
    sticky: str = ""
    match: tuple[MatchRecord, ...] = ()
    shadow: dict[str, float] = Field(default_factory=dict)
    check: CheckRecord | None = None
    host: str = ""
    path: str = "/"
    strip: bool = False
    guard: GuardRecord | None = None


class Backend(Record):
    """One (target, release) that may take traffic.

    Attributes:
        weight: The target's, of a thousand or any other sum.
        share: The release's among those of its target, to be compared with theirs.
        region: Where it is, by its cloud's word.
        shadow: The percentage of requests that it gets a copy of, besides.
    """

    target: str
    release: int
    url: str
    weight: int
    tier: int = 0
    share: int = 1000
    region: str = ""
    shadow: float = 0.0


class Routes(Document):
    """What routers follow. ``epoch`` is the head's: the larger one wins."""

    name: str
    epoch: int
    written: datetime
    settings: RouteSettings
    backends: tuple[Backend, ...]


D = TypeVar("D", bound=Document)


def encode_record(record: Document) -> bytes:
    """Return the record as canonical JSON: equal records are equal bytes."""
    return canonical_json(record.model_dump(mode="json", by_alias=True))


def decode_record(kind: type[D], body: bytes, *, where: str) -> D:
    """Read a record written by this version or an older one.

    Raises:
        StateError: It was written by a newer version, or it is damaged; ``where`` is named.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise StateError(
            _why(body, where, error), hint="Upgrade deployer, or look at the object itself."
        ) from error


def _why(body: bytes, where: str, error: ValidationError) -> str:
    class _Version(BaseModel):
        schema_version: int = Field(alias="schema")

    try:
        version = _Version.model_validate_json(body).schema_version
    except ValidationError:
        return f"{where} is damaged: it is not a record of ours"
    if version > SCHEMA:
        return (
            f"{where} was written by a newer deployer (schema {version}, this one knows {SCHEMA})"
        )
    first = error.errors(include_url=False)[0]
    return f"{where} is damaged at {'.'.join(map(str, first['loc']))}: {first['msg']}"


def content_digest(artifact: Digest, objects: list[Json]) -> str:
    """Return what makes two releases the same: the model's bytes and the objects as rendered."""
    return str(digest_of([str(artifact), *objects]))
