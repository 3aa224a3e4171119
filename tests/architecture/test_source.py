"""What holds for every module: its exports, what it imports first, what it may swallow."""

import ast
import importlib
from typing import Any

SDKS = {"azure", "boto3", "botocore", "google", "google_crc32c", "kubernetes", "moto", "s3transfer"}

HAND_OVER = {
    "deployer.artifact.workers",  # a thread hands what it met to who waits for it
    "deployer.cli.app",  # the last resort
    "deployer.parallel",  # the same
    "deployer.release.quorum",  # the same
    "deployer.routing.follower",  # the same, to an event loop
    "deployer.routing.tcp_stream",  # a fault is told to the loop, and costs one connection
}
"""Where everything may be caught; each place says why."""


def exported(tree: ast.Module) -> set[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and names_in(node.targets) == {"__all__"}:
            return set(ast.literal_eval(node.value))
    return set()


def names_in(targets: list[ast.expr]) -> set[str]:
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def defined(tree: ast.Module) -> set[str]:
    """Return the public names that are made here; type variables are no one's to import."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            found |= names_in([node.target])
        elif isinstance(node, ast.Assign) and not is_type_variable(node.value):
            found |= names_in(node.targets)
    return {name for name in found if not name.startswith("_")}


def is_type_variable(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"


def imported(tree: ast.Module) -> set[str]:
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in nodes for alias in node.names}


def sdks_at_the_top(tree: ast.Module) -> set[str]:
    """Return the SDKs that importing the module imports; types alone are never imported."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Try):
            found |= sdks_at_the_top(ast.Module(node.body, []))
    return found & SDKS


def swallows(tree: ast.Module) -> list[int]:
    """Return the lines of handlers that catch everything and do not raise it again."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and ast.unparse(node.body[-1]) != "raise"
    ]


def test_all_is_what_a_module_defines(modules: list[Any]) -> None:
    for module in modules:
        made = defined(module.tree) | (imported(module.tree) if module.is_package else set())
        assert exported(module.tree) - {"__version__"} == made, module.name


def test_what_a_package_says_it_exports_is_there(modules: list[Any]) -> None:
    for module in modules:
        if module.is_package:
            package = importlib.import_module(module.name)
            missing = [n for n in exported(module.tree) if not hasattr(package, n)]
            assert not missing, module.name


def test_no_module_imports_a_cloud_sdk_before_it_is_needed(modules: list[Any]) -> None:
    early = {m.name: found for m in modules if (found := sdks_at_the_top(m.tree))}
    assert early == {}


def test_only_the_places_that_say_why_catch_everything(modules: list[Any]) -> None:
    places = {m.name: lines for m in modules if (lines := swallows(m.tree))}
    assert set(places) <= HAND_OVER


def test_the_checks_find_what_they_look_for() -> None:
    tree = ast.parse(
        "import boto3.session\n"
        "from google.cloud import storage\n"
        "__all__ = ['a']\n"
        "def a(): ...\n"
        "def b(): ...\n"
        "try:\n    a()\nexcept Exception:\n    pass\n"
        "try:\n    a()\nexcept BaseException:\n    b()\n    raise\n"
    )
    assert sdks_at_the_top(tree) == {"boto3", "google"}
    assert (exported(tree), defined(tree)) == ({"a"}, {"a", "b"})
    assert swallows(tree) == [8]


def test_every_adapter_that_wiring_names_can_be_imported(modules: list[Any]) -> None:
    (wiring,) = [module for module in modules if module.name == "deployer.wiring"]
    named = [
        node.value
        for node in ast.walk(wiring.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("deployer.")
    ]
    assert len(named) >= 4
    for name in named:
        adapter = importlib.import_module(name)
        connect = "connect_uploads" if name.endswith(".incomplete") else "connect_store"
        assert callable(getattr(adapter, connect)), name
