"""What the core asks of the world: Protocols, and the values they speak.

Pure declarations. An adapter in `deployer.providers` implements each; one contract suite in
``tests/contract`` holds every adapter to the same words, the shipped fakes included.
"""

from deployer.ports.actuals import Actuals, Charged
from deployer.ports.apply import (
    PLAIN,
    Applied,
    ApplyOptions,
    ApplyResult,
    FieldDiff,
    FieldOwner,
    Policy,
)
from deployer.ports.clock import Clock
from deployer.ports.cluster import Cluster, ClusterInfo, PodState, Readiness, Verdict
from deployer.ports.dns import DnsAnswer, DnsChange, DnsName, DnsPolicy, DnsProbe, DnsZone
from deployer.ports.manifest import Manifest, ObjectRef, group_kind
from deployer.ports.notifier import Notice, Notifier
from deployer.ports.preflight import Finding, Severity
from deployer.ports.prices import (
    Price,
    PriceQuery,
    Prices,
    PriceSource,
    PriceTier,
    UnknownPrice,
)
from deployer.ports.probe import Certificate, HttpRequest, HttpResponse, Probe
from deployer.ports.provider import Provider
from deployer.ports.source import Chunk, Source
from deployer.ports.spans import RequestSpan, SpanEvent, SpanSink
from deployer.ports.store import ObjectInfo, ObjectStore, StoredObject, StoredRange, StoreSettings
from deployer.ports.usage import UsageSource, Used

__all__ = [
    "PLAIN",
    "Actuals",
    "Applied",
    "ApplyOptions",
    "ApplyResult",
    "Certificate",
    "Charged",
    "Chunk",
    "Clock",
    "Cluster",
    "ClusterInfo",
    "DnsAnswer",
    "DnsChange",
    "DnsName",
    "DnsPolicy",
    "DnsProbe",
    "DnsZone",
    "FieldDiff",
    "FieldOwner",
    "Finding",
    "HttpRequest",
    "HttpResponse",
    "Manifest",
    "Notice",
    "Notifier",
    "ObjectInfo",
    "ObjectRef",
    "ObjectStore",
    "PodState",
    "Policy",
    "Price",
    "PriceQuery",
    "PriceSource",
    "PriceTier",
    "Prices",
    "Probe",
    "Provider",
    "Readiness",
    "RequestSpan",
    "Severity",
    "Source",
    "SpanEvent",
    "SpanSink",
    "StoreSettings",
    "StoredObject",
    "StoredRange",
    "UnknownPrice",
    "UsageSource",
    "Used",
    "Verdict",
    "group_kind",
]
