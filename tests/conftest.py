"""Fixtures for every tier that wants a real Kubernetes API."""

import contextlib
from collections.abc import Iterator

import pytest

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

__all__ = [
    "api_server",
    "api_servers",
    "control_plane",
    "control_plane_assets",
    "make_namespace",
    "namespace",
    "own_api_server",
    "pytest_runtest_protocol",
]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Build the control plane before the first test that needs it, outside its time limit."""
    if needs_control_plane(item):
        with contextlib.suppress(AssetsError):  # the fixture says it to the test
            build_assets(print)
    return (yield)
