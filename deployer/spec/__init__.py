"""``deployer.yaml``: load, check, publish its schema.

Reads the spec's own file and the library's list of runtimes; no other file, no network, no clock.
"""

from deployer.spec.draft import draft_spec
from deployer.spec.formats import guess_format, settle_format
from deployer.spec.load import load_routing, load_spec
from deployer.spec.model import ClusterSpec, Quorum, Spec, StoreSpec, TargetSpec
from deployer.spec.requests import load_requests, protocol_of
from deployer.spec.schema import spec_schema
from deployer.spec.service import RuntimeSpec
from deployer.spec.signer import SignerSpec

__all__ = [
    "ClusterSpec",
    "Quorum",
    "RuntimeSpec",
    "SignerSpec",
    "Spec",
    "StoreSpec",
    "TargetSpec",
    "draft_spec",
    "guess_format",
    "load_requests",
    "load_routing",
    "load_spec",
    "protocol_of",
    "settle_format",
    "spec_schema",
]
