"""What AWS charged, by its Cost Explorer: one question per region, and a cent for each page."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from deployer.errors import SetupError
from deployer.ports import Charged
from deployer.providers.aws.errors import translated
from deployer.values import Json

__all__ = ["CostExplorer", "connect_actuals"]

_HOME = "us-east-1"
"""Cost Explorer is one service for all regions; it answers here."""

_METRICS = ["UnblendedCost", "AmortizedCost", "UsageQuantity"]


class CostExplorer:
    """See `Actuals`."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def read(
        self, region: str, began: date, ended: date, tag: tuple[str, str] | None = None
    ) -> Iterator[Charged]:
        """See `Actuals.read`."""
        asked: dict[str, Json] = {
            "TimePeriod": {"Start": began.isoformat(), "End": ended.isoformat()},
            "Granularity": "DAILY",
            "Metrics": _METRICS,
            "GroupBy": [{"Type": "DIMENSION", "Key": key} for key in ("SERVICE", "USAGE_TYPE")],
            "Filter": _filter(region, tag),
        }
        with translated("ask for what was charged in", region):
            client = self._client()
            while True:
                page = client.get_cost_and_usage(**asked)
                for day in page["ResultsByTime"]:
                    yield from _read_day(day, region)
                if not page.get("NextPageToken"):
                    return
                asked["NextPageToken"] = page["NextPageToken"]


def connect_actuals() -> CostExplorer:
    """Return Cost Explorer by the login that boto3 finds; no I/O yet."""

    def make() -> Any:
        try:
            from boto3.session import Session
        except ImportError as error:
            raise SetupError(
                "AWS's Cost Explorer needs its SDK, which is not installed",
                hint="pip install 'deployer[aws]'",
            ) from error
        return Session().client("ce", region_name=_HOME)

    return CostExplorer(make)


def _filter(region: str, tag: tuple[str, str] | None) -> Json:
    place = {"Dimensions": {"Key": "REGION", "Values": [region]}}
    if tag is None:
        return place
    return {"And": [place, {"Tags": {"Key": tag[0], "Values": [tag[1]]}}]}


def _read_day(day: Json, region: str) -> Iterator[Charged]:
    for group in day["Groups"]:
        service, usage = group["Keys"]
        metrics = group["Metrics"]
        quantity = metrics["UsageQuantity"]
        yield Charged(
            day=date.fromisoformat(day["TimePeriod"]["Start"]),
            region=region,
            service=service,
            usage=usage,
            billed=Decimal(metrics["UnblendedCost"]["Amount"]),
            effective=Decimal(metrics["AmortizedCost"]["Amount"]),
            currency=metrics["AmortizedCost"]["Unit"],
            quantity=Decimal(quantity["Amount"]),
            unit="" if quantity["Unit"] == "N/A" else quantity["Unit"],
            estimated=bool(day["Estimated"]),
        )
