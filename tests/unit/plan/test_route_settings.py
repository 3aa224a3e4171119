import json
from typing import Any

import pytest

from deployer.errors import SpecError

World = Any
ROUTING = "gates: {smoke"
PUBLIC = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "one"}


def write(world: World, routing: str) -> None:
    world.write_spec((ROUTING, f"routing: {routing}\n{ROUTING}"))


def test_all_that_the_spec_says_of_requests_reaches_routers(world: World) -> None:
    (world.folder / "jwks.json").write_text(json.dumps({"keys": [PUBLIC]}))
    write(
        world,
        "{policy: region, region: {header: X-Region}, sticky: X-User, path: /iris, strip: true, "
        "weights: {aws: 60, gcp: 40, azure: 0}, shadow: {azure: 10}, check: {pointer: /outputs}, "
        "match: [{header: X-Cohort, value: beta, targets: [gcp]}], "
        "guard: {tokens: {jwks: jwks.json, algorithm: ES256}, rate: {per_second: 5, burst: 9}}}",
    )
    world.start().deploy()
    routes = world.start().state.read_routes()
    settings = routes.settings
    assert (settings.sticky, settings.path, settings.strip) == ("X-User", "/iris", True)
    assert (settings.region.header, settings.match[0].targets) == ("X-Region", ("gcp",))
    assert settings.check.pointer == "/outputs"
    assert settings.guard.tokens.keys == [PUBLIC]
    assert settings.guard.rate.burst == 9
    found = {b.target: (b.weight, b.shadow, b.region) for b in routes.backends}
    assert found == {"aws": (60, 0, "us-east-1"), "gcp": (40, 0, ""), "azure": (0, 10, "nowhere")}


def test_keys_that_are_not_there_or_not_public_are_a_fault_of_the_spec(world: World) -> None:
    write(world, "{guard: {tokens: {jwks: jwks.json}}}")
    with pytest.raises(SpecError, match=r"routing.guard.tokens.jwks: .*No such file"):
        world.start().deploy()
    (world.folder / "jwks.json").write_text(json.dumps({"keys": [{"kty": "oct", "k": "AA"}]}))
    with pytest.raises(SpecError, match="only public ones"):
        world.start().deploy()
