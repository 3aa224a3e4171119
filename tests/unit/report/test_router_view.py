import json
from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import TransientError
from deployer.ports import HttpRequest, HttpResponse
from deployer.report.router_view import RouterSight, RouterView, look_at_router
from deployer.routing.pages import SCHEMA

Maker = Callable[..., Any]
BACKEND = {"target": "aws", "release": 42, "state": "down", "since": 41.2, "reason": "timeout"}


def look(make_probe: Maker, answer: Any) -> tuple[RouterView, list[str]]:
    probe = make_probe(answer)
    return look_at_router(probe, "http://router", timeout_seconds=1.0), probe.asked


def page(document: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(document).encode(), 0.01)


def test_a_router_says_how_long_each_target_has_been_so(make_probe: Maker) -> None:
    found, asked = look(make_probe, page({"schema": SCHEMA, "backends": [BACKEND]}))
    assert found.sights == {"aws": RouterSight(42, "down", 41.2, "timeout")}
    assert (found.error, asked) == ("", ["http://router/-/status"])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (TransientError("no answer in 1 s", operation="GET", resource="r"), "no answer in 1 s"),
        (page({}, 503), "http://router/-/status answered 503"),
        (HttpResponse(200, b"<html>", 0.01), "is no page of a router's"),
        (page([]), "is no page of a router's"),
        (page({"schema": "other/v1", "backends": []}), "is no page of a router's"),
        (page({"schema": SCHEMA, "backends": [{"target": "aws"}]}), "is no page of a router's"),
    ],
)
def test_a_router_that_says_nothing_of_use_is_no_error(
    make_probe: Maker, answer: Any, error: str
) -> None:
    found, _ = look(make_probe, answer)
    assert not found.sights
    assert error in found.error


class Pages:
    """A probe that answers each path with a page of its own."""

    def __init__(self, **pages: Any) -> None:
        self._pages = pages

    def send(self, _url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        del timeout_seconds
        name = request.path.removeprefix("/-/").removesuffix("status").strip("/") or "first"
        return page(self._pages[name])


def of(name: str, state: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "backends": [BACKEND | {"state": state}],
        "routes": {"name": name},
        "deployments": ["cat", "dog", ""],
    }


def test_of_several_deployments_the_one_that_is_meant_is_read() -> None:
    probe = Pages(first=of("cat", "down"), dog=of("dog", "healthy"))

    def ask(name: str) -> RouterView:
        return look_at_router(probe, "http://router", timeout_seconds=1.0, name=name)

    assert ask("cat").sights["aws"].state == "down"
    assert ask("dog").sights["aws"].state == "healthy"
    assert not ask("cow").sights
    assert ask("cow").error == "the router at http://router serves cat, dog, not cow"


def test_a_router_without_a_spec_serves_anybody() -> None:
    probe = Pages(first=of("static", "healthy"))
    found = look_at_router(probe, "http://router", timeout_seconds=1.0, name="cow")
    assert found.sights["aws"].state == "healthy"
