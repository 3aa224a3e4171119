"""Deploy and rollback on three targets while engines pass predictions on, at a modest rate.

`tests/bench/bench_deploys.py` is the same at 200 a second; the embedded plane has its story in
`tests/scenario/cli/test_life_of_a_deployment.py`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenario.traffic import engine_router, paced


@pytest.mark.parametrize("engine", ["haproxy", "envoy"])
def test_users_of_an_engine_do_not_feel_a_deploy_or_a_rollback(
    make_deployment: Callable[..., Any], engine: str
) -> None:
    # without a second try nothing covers up for a request that was lost
    deployment = make_deployment(strategy={"soak": "1.5s"}, routing={"idempotent": False})
    deployment.run("deploy")
    with engine_router(deployment, engine) as url, paced(deployment, url, 40) as story:
        deployment.write_model("v2")
        deployment.run("deploy")
        deployment.run("rollback")
    assert set(story.answers) == {"v1", "v2"}, story
    assert story.sent == sum(story.answers.values())
    assert min(story.answers.values()) > 20
