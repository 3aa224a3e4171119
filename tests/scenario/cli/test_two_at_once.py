"""Two people, one deployment: one of them works on it."""

import re
from collections.abc import Callable
from typing import Any

Make = Callable[..., Any]


def test_the_second_deploy_is_refused_with_the_holders_name_and_time(make_deployment: Make) -> None:
    deployment = make_deployment("azure-virginia", strategy={"soak": "9s"})
    first = deployment.start("deploy")
    first.wait_for("routes", "done")
    second = deployment.run("deploy", expect=6, within=30)
    assert re.search(r"\w+@\S+ holds the lease until \d\d:\d\d:\d\d UTC", second.err)
    assert "--takeover" in second.err
    assert "release 1 is live" in first.finish().out


def test_a_takeover_stops_the_run_that_was_alive_and_goes_on(make_deployment: Make) -> None:
    deployment = make_deployment("azure-virginia", strategy={"soak": "9s"})
    first = deployment.start("deploy")
    first.wait_for("routes", "done")
    taken = deployment.run("deploy", "--takeover")
    assert "going on with an unfinished deploy of release 1" in taken.err
    assert "release 1 is live" in taken.out
    lost = first.finish()
    assert lost.code == 1
    assert re.search(r"error: .*\w+@\S+ has taken the lease over from run", lost.err)
    assert deployment.serving() == {"azure-virginia": 1}
    assert deployment.run("plan").code == 0
