"""What every tier shares: a real Kubernetes API, and when a test may be skipped.

A reason to skip that begins with "needs" names what this machine lacks and how to get it;
DEPLOYER_TEST_REQUIRE_ALL=1 makes each of those a failure. Any other says that the test means
nothing there.
"""

import contextlib
import os
import signal
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.cluster.assets import AssetsError, build_assets
from tests.cluster.fixtures import (
    api_server,
    api_servers,
    control_plane,
    control_plane_assets,
    make_namespace,
    namespace,
    needs_control_plane,
    own_api_server,
)
from tests.lanes import LaneScheduling
from tests.receiver import receiver

# How fast an example is depends on who else is at work here. Every run tries others: 50 will do.
settings.register_profile(
    "busy", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")

__all__ = [
    "api_server",
    "api_servers",
    "control_plane",
    "control_plane_assets",
    "make_namespace",
    "namespace",
    "own_api_server",
    "pytest_configure",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_xdist_make_scheduler",
    "receiver",
]


def pytest_configure() -> None:
    """Let what tests start be interrupted, though a shell's background job ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LaneScheduling | None:
    """Keep what needs the machine apart, unless another distribution was asked for."""
    return LaneScheduling(config, log) if config.getvalue("dist") == "load" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Build the control plane before the first test that needs it, outside its time limit."""
    if needs_control_plane(item):
        with contextlib.suppress(AssetsError):  # the fixture says it to the test
            build_assets(print)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a skip for want of something, where nothing may be wanting."""
    report = yield
    wanting = os.environ.get("DEPLOYER_TEST_REQUIRE_ALL") == "1"
    if wanting and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith("needs "):
            report.outcome = "failed"
            report.longrepr = f"DEPLOYER_TEST_REQUIRE_ALL is set, and this test {reason}"
    return report
