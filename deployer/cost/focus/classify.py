"""Which component of an estimate a charge belongs to, by service, meter and description.

The three clouds' own names; a charge that is none of ours is ``other``, and stays visible.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from deployer.cost.focus.charge import Charge
from deployer.values import Cloud

__all__ = ["classify_charge", "cloud_of"]

_CLOUDS = (
    (re.compile(r"amazon|aws", re.IGNORECASE), Cloud.AWS),
    (re.compile(r"google", re.IGNORECASE), Cloud.GCP),
    (re.compile(r"microsoft|azure", re.IGNORECASE), Cloud.AZURE),
)


class _Rule(NamedTuple):
    component: str
    words: "re.Pattern[str]"


def _rule(component: str, words: str) -> _Rule:
    return _Rule(component, re.compile(words, re.IGNORECASE))


_RULES = (
    _rule("nat", r"\bnat\b|natgateway"),
    _rule("balancer", r"load ?balanc|loadbalancer|\blcu|forwarding rule"),
    _rule("egress", r"data ?transfer|egress|bandwidth|internet out|-out-bytes|network .*transfer"),
    _rule("logs", r"cloudwatch|\blogging\b|log analytics"),
    _rule("disks", r"\bebs\b|volumeusage|persistent disk|managed disk|premium ssd|pd capacity"),
    _rule("control plane", r"kubernetes|\beks\b|\bgke\b|\baks\b"),
    _rule(
        "store requests", r"requests?-tier|class [ab] (operations|requests)|(write|read) operations"
    ),
    _rule("storage", r"\bs3\b|simple storage|cloud storage|blob|timedstorage|standard storage"),
    _rule(
        "machines",
        r"boxusage|spotusage|instance (core|ram|run)|virtual machine|compute engine|\bec2\b"
        r"|elastic compute",
    ),
)
"""The first that matches decides: what is in a cloud's compute service but is no machine first."""


def classify_charge(charge: Charge) -> str:
    """Return the component's name; ``tax``, ``credit`` and ``other`` where it is none of ours."""
    if charge.category in ("Tax", "Credit"):
        return charge.category.lower()
    if charge.unused:
        return "unused commitment"
    words = f"{charge.meter} {charge.description} {charge.sku} {charge.service}"
    return _match(words) or _BY_CATEGORY.get(charge.service_category, "other")


@lru_cache(maxsize=4096)
def _match(words: str) -> str:
    return next((rule.component for rule in _RULES if rule.words.search(words)), "")


_BY_CATEGORY = {"Compute": "machines", "Storage": "storage"}


@lru_cache(maxsize=64)
def cloud_of(provider: str) -> Cloud | None:
    """Return whose bill it is; None of a provider that is none of the three."""
    return next((cloud for words, cloud in _CLOUDS if words.search(provider)), None)
