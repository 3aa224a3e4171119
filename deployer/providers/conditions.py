"""How objects do that have no pods of their own, by their conditions: pure."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from deployer.ports import Manifest, Readiness, Verdict
from deployer.providers.pods import condition, lasts

__all__ = ["JUDGES", "judge_custom"]

_Judge = Callable[[Manifest, frozenset[str], datetime], Readiness]

_GOOD = ("Ready", "Available", "Healthy", "Succeeded")
_TERMINAL = re.compile("Fail|Error|Invalid|Denied|Forbidden|NotFound|Unsupported|Rejected")
"""A custom resource's controller says in a reason's name whether trying again may help."""


def judge_custom(live: Manifest, now: datetime) -> Readiness:
    """Judge an object of a kind we know nothing of by the conditions that most controllers write.

    Without any status it is in progress: its controller has not seen it.
    """
    status = live.get("status") or {}
    found = [each for kind in _GOOD if (each := condition(status, kind))]
    if not found:
        return _waits("its controller has not reported on it yet")
    if any(each["status"] == "True" for each in found):
        return Readiness(Verdict.READY, 1, 1)
    worst = found[0]
    words = _words(worst)
    terminal = worst["status"] == "False" and _TERMINAL.search(str(worst.get("reason", "")))
    if terminal and lasts(worst.get("lastTransitionTime"), now):
        return Readiness(Verdict.FAILED, 0, 1, words)
    return _waits(words)


def _judge_claim(live: Manifest, events: frozenset[str], _now: datetime) -> Readiness:
    phase = _status(live).get("phase")
    if phase == "Lost":
        return Readiness(Verdict.FAILED, 0, 1, "Lost: its volume is gone")
    if phase == "Bound":
        return Readiness(Verdict.READY, 1, 1)
    if "WaitForFirstConsumer" in events:
        return Readiness(Verdict.READY, 0, 1, "it is bound when a pod uses it")
    return _waits(f"it is {phase or 'not bound'}: no volume yet")


def _judge_autoscaler(live: Manifest, _events: frozenset[str], _now: datetime) -> Readiness:
    status = _status(live)
    least, current = (
        int(live["spec"].get("minReplicas") or 1),
        int(status.get("currentReplicas") or 0),
    )
    able, active = condition(status, "AbleToScale"), condition(status, "ScalingActive")
    if active.get("reason") == "ScalingDisabled":
        return Readiness(Verdict.READY, current, current, "its workload is scaled to 0")
    if not able:
        return Readiness(Verdict.PROGRESSING, current, least, "it has not looked yet")
    if able["status"] != "True":
        return Readiness(Verdict.PROGRESSING, current, least, _words(able))
    if current < least:
        words = f"{current} of {least} replicas (minReplicas) are there"
        return Readiness(Verdict.PROGRESSING, current, least, words)
    return Readiness(Verdict.READY, current, least)


def _judge_definition(live: Manifest, _events: frozenset[str], _now: datetime) -> Readiness:
    names = condition(_status(live), "NamesAccepted")
    if names.get("status") == "False":
        return Readiness(Verdict.FAILED, 0, 1, _words(names))
    if condition(_status(live), "Established").get("status") == "True":
        return Readiness(Verdict.READY, 1, 1)
    return _waits("it is not established yet")


def _judge_ingress(live: Manifest, _events: frozenset[str], _now: datetime) -> Readiness:
    if (_status(live).get("loadBalancer") or {}).get("ingress"):
        return Readiness(Verdict.READY, 1, 1)
    return _waits("no address yet: its ingress controller has not taken it up")


def _judge_gateway(live: Manifest, _events: frozenset[str], now: datetime) -> Readiness:
    status = _status(live)
    if refused := _refusal([status], now):
        return Readiness(Verdict.FAILED, 0, 1, refused)
    programmed = condition(status, "Programmed")
    if programmed.get("status") == "True":
        return Readiness(Verdict.READY, 1, 1)
    return _waits(_words(programmed) if programmed else "it is not programmed yet")


def _judge_route(live: Manifest, _events: frozenset[str], now: datetime) -> Readiness:
    parents = _status(live).get("parents") or []
    if refused := _refusal(parents, now):
        return Readiness(Verdict.FAILED, 0, 1, refused)
    accepted = [condition(parent, "Accepted").get("status") == "True" for parent in parents]
    if accepted and all(accepted):
        return Readiness(Verdict.READY, 1, 1)
    return _waits("no gateway has accepted it yet")


def _refusal(statuses: list[Any], now: datetime) -> str:
    for status in statuses:
        accepted = condition(status, "Accepted")
        since = accepted.get("lastTransitionTime")
        if accepted.get("status") == "False" and lasts(since, now):
            return f"not accepted: {_words(accepted)}"
    return ""


def _status(live: Manifest) -> Any:
    return live.get("status") or {}


def _words(found: Any) -> str:
    return f"{found.get('reason', found['type'])}: {found.get('message', '')}".rstrip(": ")


def _waits(message: str) -> Readiness:
    return Readiness(Verdict.PROGRESSING, 0, 1, message)


JUDGES: Mapping[tuple[str, str], _Judge] = {
    ("", "PersistentVolumeClaim"): _judge_claim,
    ("autoscaling", "HorizontalPodAutoscaler"): _judge_autoscaler,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _judge_definition,
    ("networking.k8s.io", "Ingress"): _judge_ingress,
    ("gateway.networking.k8s.io", "Gateway"): _judge_gateway,
    ("gateway.networking.k8s.io", "HTTPRoute"): _judge_route,
    ("gateway.networking.k8s.io", "GRPCRoute"): _judge_route,
}
"""By group and kind: the rule, given the object, the reasons of its events, and the time."""
