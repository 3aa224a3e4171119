"""Cost Explorer over moto's server, which answers with what it was given and checks no filter."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import urllib3
from boto3.session import Session
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from deployer.errors import AccessDeniedError
from deployer.providers.aws.actuals import CostExplorer, connect_actuals

DAY = {"Start": "2026-11-01", "End": "2026-11-02"}


def usage(service: str, kind: str, cost: str, quantity: str, unit: str) -> dict[str, Any]:
    return {
        "Keys": [service, kind],
        "Metrics": {
            "UnblendedCost": {"Amount": cost, "Unit": "USD"},
            "AmortizedCost": {"Amount": cost, "Unit": "USD"},
            "UsageQuantity": {"Amount": quantity, "Unit": unit},
        },
    }


@pytest.fixture
def charge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what puts an answer into moto's Cost Explorer."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")

    def put(*groups: dict[str, Any]) -> None:
        days = [{"TimePeriod": DAY, "Groups": groups, "Estimated": True}]
        answer = urllib3.request(
            "POST",
            f"{url}/moto-api/static/ce/cost-and-usage-results",
            json={"results": [{"ResultsByTime": days}]},
        )
        assert answer.status == 201

    yield put
    server.stop()


def test_what_was_charged_comes_by_day_and_kind_of_use(charge: Callable[..., None]) -> None:
    charge(
        usage(
            "Amazon Elastic Compute Cloud - Compute", "BoxUsage:m6i.xlarge", "4.608", "24", "Hrs"
        ),
        usage("Tax", "NoUsageType", "0.46", "0", "N/A"),
    )
    machines, tax = connect_actuals().read("us-east-1", date(2026, 11, 1), date(2026, 11, 2))
    assert (machines.day, machines.region, machines.usage) == (
        date(2026, 11, 1), "us-east-1", "BoxUsage:m6i.xlarge",
    )  # fmt: skip
    assert (machines.effective, machines.quantity) == (Decimal("4.608"), Decimal(24))
    assert (machines.currency, machines.unit, machines.estimated) == ("USD", "Hrs", True)
    assert (tax.service, tax.unit) == ("Tax", "")


@pytest.fixture
def recorded() -> tuple[CostExplorer, Stubber]:
    session = Session(aws_access_key_id="none", aws_secret_access_key="none")
    client = session.client("ce", region_name="us-east-1")
    stubber = Stubber(client)
    stubber.activate()
    return CostExplorer(lambda: client), stubber


def test_one_question_per_region_goes_on_through_its_pages(
    recorded: tuple[CostExplorer, Stubber],
) -> None:
    explorer, stubber = recorded
    asked = {
        "TimePeriod": DAY,
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost", "AmortizedCost", "UsageQuantity"],
        "GroupBy": [
            {"Type": "DIMENSION", "Key": "SERVICE"},
            {"Type": "DIMENSION", "Key": "USAGE_TYPE"},
        ],
        "Filter": {
            "And": [
                {"Dimensions": {"Key": "REGION", "Values": ["us-east-1"]}},
                {"Tags": {"Key": "app", "Values": ["iris"]}},
            ]
        },
    }
    page = {"ResultsByTime": [{"TimePeriod": DAY, "Groups": [], "Estimated": False}]}
    full = json.loads(json.dumps(page))
    full["ResultsByTime"][0]["Groups"] = [usage("Amazon S3", "TimedStorage", "1", "2", "GB-Mo")]
    stubber.add_response("get_cost_and_usage", {**page, "NextPageToken": "more"}, asked)
    stubber.add_response("get_cost_and_usage", full, {**asked, "NextPageToken": "more"})
    found = list(explorer.read("us-east-1", date(2026, 11, 1), date(2026, 11, 2), ("app", "iris")))
    assert [it.service for it in found] == ["Amazon S3"]
    stubber.assert_no_pending_responses()


def test_who_may_not_ask_is_told_so(recorded: tuple[CostExplorer, Stubber]) -> None:
    explorer, stubber = recorded
    stubber.add_client_error("get_cost_and_usage", "AccessDeniedException")
    with pytest.raises(AccessDeniedError):
        list(explorer.read("us-east-1", date(2026, 11, 1), date(2026, 11, 2)))
