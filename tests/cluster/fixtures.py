"""What tests get: API servers that run, and namespaces of their own on them.

One control plane serves a whole test run: the workers of pytest-xdist share it, each cluster starts
when a test first asks for it, and all end with the last worker. ``tests/conftest.py`` makes these
fixtures known everywhere.
"""

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import pytest

from tests.cluster.assets import Assets, AssetsError, build_assets
from tests.cluster.rig import CLOUDS, ApiServer, ControlPlane, use_control_plane

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = [
    "MakeNamespace",
    "api_server",
    "api_servers",
    "control_plane",
    "control_plane_assets",
    "make_namespace",
    "namespace",
    "needs_control_plane",
    "own_api_server",
]


class MakeNamespace(Protocol):
    """Makes namespaces that are deleted when the test is over."""

    def __call__(self, server: ApiServer, *, create: bool = True) -> str:
        """Return the name of a new namespace; without ``create`` of one that may yet be made."""
        ...


_FIXTURES = frozenset({"api_server", "api_servers", "control_plane", "own_api_server"})
_YOURS = "DEPLOYER_TEST_KUBECONFIG"
_RUNNING = "DEPLOYER_TEST_CONTROL_PLANE"


def needs_control_plane(item: pytest.Item) -> bool:
    """Say whether the test needs our own control plane."""
    wanted = _FIXTURES & set(getattr(item, "fixturenames", ()))
    return bool(wanted) and _YOURS not in os.environ


@pytest.fixture(scope="session")
def control_plane_assets() -> Assets:
    """The control plane's programs; built before the test began, if they had to be."""
    try:
        return build_assets(print)
    except AssetsError as error:
        _do_without(str(error))


@pytest.fixture(scope="session")
def control_plane(
    control_plane_assets: Assets, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """The run's control plane; that of a folder by hand where DEPLOYER_TEST_CONTROL_PLANE is."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = Path(os.environ.get(_RUNNING) or shared / "control-plane")
    with use_control_plane(folder.absolute(), control_plane_assets) as plane:
        yield plane


@pytest.fixture(scope="session")
def api_server(request: pytest.FixtureRequest) -> ApiServer:
    """One API server: the first of ours, or the one that DEPLOYER_TEST_KUBECONFIG names."""
    if yours := os.environ.get(_YOURS):
        return _read_yours(yours)
    plane: ControlPlane = request.getfixturevalue("control_plane")
    return plane.start(CLOUDS[0])[0]


@pytest.fixture(scope="session")
def api_servers(request: pytest.FixtureRequest) -> Mapping[str, ApiServer]:
    """Three API servers by cloud: ours, or three times the one of DEPLOYER_TEST_KUBECONFIG."""
    if yours := os.environ.get(_YOURS):
        return dict.fromkeys(CLOUDS, _read_yours(yours))
    plane: ControlPlane = request.getfixturevalue("control_plane")
    return {server.name: server for server in plane.start(*CLOUDS)}


@pytest.fixture
def own_api_server(control_plane: ControlPlane) -> Iterator[ApiServer]:
    """An API server with an etcd that no other test uses, to be stopped, frozen or restarted."""
    name = f"own-{uuid.uuid4().hex[:8]}"
    try:
        yield control_plane.start(name, own_etcd=True)[0]
    finally:
        control_plane.stop(name)


@pytest.fixture
def make_namespace() -> Iterator[MakeNamespace]:
    """Return a maker of namespaces on an API server; they are deleted when the test is over."""
    made: list[tuple[ApiServer, str]] = []

    def make(server: ApiServer, *, create: bool = True) -> str:
        name = f"deployer-test-{uuid.uuid4().hex[:8]}"
        if create:
            _create_namespace(server, name)
        made.append((server, name))
        return name

    yield make
    for server, name in made:
        _delete_namespace(server, name)


@pytest.fixture
def namespace(api_server: ApiServer, make_namespace: MakeNamespace) -> str:
    """A namespace of `api_server` for this test alone."""
    return make_namespace(api_server)


def _create_namespace(server: ApiServer, name: str) -> None:
    from kubernetes import client

    body = client.V1Namespace(metadata=client.V1ObjectMeta(name=name))
    with closing(_connect(server)) as api:
        client.CoreV1Api(api).create_namespace(body)


def _delete_namespace(server: ApiServer, name: str) -> None:
    from kubernetes import client

    with closing(_connect(server)) as api, contextlib.suppress(client.ApiException):
        client.CoreV1Api(api).delete_namespace(name)


def _connect(server: ApiServer) -> "ApiClient":
    from kubernetes import client, config

    settings = client.Configuration()
    config.load_kube_config(  # type: ignore[no-untyped-call]
        server.kubeconfig, server.context, client_configuration=settings
    )
    return client.ApiClient(settings)


def _read_yours(kubeconfig: str) -> ApiServer:
    """Return the user's own cluster; that it runs pods as processes must be said."""
    from kubernetes import config

    context = config.list_kube_config_contexts(kubeconfig)[1]["name"]  # type: ignore[no-untyped-call]
    runs_pods = os.environ.get("DEPLOYER_TEST_PODS") == "1"
    return ApiServer(context, kubeconfig, context, runs_pods=runs_pods)


def _do_without(reason: str) -> NoReturn:
    pytest.skip(f"needs a Kubernetes API: {reason}")
