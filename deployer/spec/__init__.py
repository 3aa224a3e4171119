"""``deployer.yaml``: load, check, publish its schema."""

from deployer.spec.load import load_spec
from deployer.spec.model import Spec, TargetSpec
from deployer.spec.requests import load_requests

__all__ = ["Spec", "TargetSpec", "load_requests", "load_spec"]
