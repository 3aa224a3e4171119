"""What pods use, by a Prometheus that scrapes kubelets (cAdvisor's metrics)."""

import json
import math
from decimal import Decimal
from http import HTTPStatus
from urllib.parse import quote

from deployer.errors import AccessDeniedError, NotFoundError, TransientError
from deployer.ports import HttpRequest, HttpResponse, Probe, Used

__all__ = ["PrometheusUsage"]

_GIB = 1024**3
_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class PrometheusUsage:
    """See `UsageSource`: the mean of cpu ``over`` a time, and the working set of now.

    Of pods younger than that time cpu is understated, as Prometheus' ``rate`` is.
    """

    def __init__(self, probe: Probe, url: str, namespace: str, *, over: str = "5m") -> None:
        self._probe = probe
        self._url = url
        self._namespace = namespace
        self._over = over

    def measure(self, workload: str, *, timeout_seconds: float) -> Used:
        """See `UsageSource.measure`."""
        pods = f'pod=~"{workload}-[a-z0-9]+-[a-z0-9]+"'
        labels = f'namespace="{self._namespace}",{pods},container!=""'
        queries = (
            f"sum(rate(container_cpu_usage_seconds_total{{{labels}}}[{self._over}]))",
            f"sum(container_memory_working_set_bytes{{{labels}}})",
        )
        cpu, memory = (self._ask(query, workload, timeout_seconds / 2) for query in queries)
        return Used(cpu, memory / _GIB, f"Prometheus at {self._url}")

    def _ask(self, query: str, workload: str, timeout_seconds: float) -> Decimal:
        request = HttpRequest(path=f"/api/v1/query?query={quote(query)}")
        answer = self._probe.send(self._url, request, timeout_seconds=timeout_seconds)
        resource = f"usage of {workload}"
        if answer.status in _DENIED:
            raise AccessDeniedError(
                f"{self._url} answered {answer.status}", operation="measure", resource=resource
            )
        value = _read(answer)
        if value is None:
            raise TransientError(
                f"{self._url} answered {answer.status}, and not as a Prometheus does",
                operation="measure",
                resource=resource,
            )
        if not math.isfinite(value):
            raise NotFoundError(
                f"{self._url} has nothing of {workload} in {self._namespace}",
                operation="measure",
                resource=resource,
            )
        return value


def _read(answer: HttpResponse) -> Decimal | None:
    """Return the only value, not a number when there is none; None of another answer."""
    try:
        result = json.loads(answer.body)["data"]["result"]
        return Decimal(result[0]["value"][1]) if result else Decimal("NaN")
    except (ValueError, KeyError, TypeError, IndexError, ArithmeticError):
        return None
