from typing import Any

import pytest
from pydantic import ValidationError

from deployer.spec.objectives import Slo, check_slo


def test_shares_are_written_as_percent_or_as_numbers_and_windows_in_days() -> None:
    slo = Slo.model_validate({"availability": "99.95%", "latency": {"under": "250ms"}})
    assert slo.availability == 0.9995
    assert slo.latency is not None
    assert (slo.latency.under, slo.latency.share) == (0.25, 0.99)
    assert Slo.model_validate({"availability": 0.99, "window": "7d"}).window == 7 * 86400


@pytest.mark.parametrize("share", ["100%", 1, 0, "0%", "many"])
def test_a_promise_leaves_something_to_spend_and_is_a_share(share: object) -> None:
    with pytest.raises(ValidationError):
        Slo.model_validate({"availability": share})


@pytest.mark.parametrize(
    ("under", "faults"), [("250ms", 0), (0.1, 0), ("300ms", 1), ("soon", 0), (None, 0)]
)
def test_a_latency_that_no_router_counts_at_is_refused_by_name(under: Any, faults: int) -> None:
    found = list(check_slo({"slo": {"latency": {"under": under}}}))
    assert len(found) == faults
    assert all("routers count at 5ms, 10ms" in fault.message for fault in found)
