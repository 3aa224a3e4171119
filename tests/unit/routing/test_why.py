from deployer.release.records import Backend, RouteSettings
from deployer.routing.why import explain_share


def backend(target: str, release: int = 1, **more: object) -> Backend:
    fields = {"target": target, "release": release, "url": "http://h", "weight": 1, **more}
    return Backend.model_validate(fields)


def test_where_weight_alone_decides_nothing_is_added() -> None:
    both = [backend("a"), backend("b")]
    assert explain_share(both[0], both, RouteSettings(), 0.5) == ""


def test_an_order_is_named_and_who_stands_by() -> None:
    settings = RouteSettings(policy="region")
    near, far = backend("a", tier=0), backend("b", tier=1)
    assert explain_share(near, [near, far], settings, 1.0) == "number 1 of 2 by distance"
    said = explain_share(far, [near, far], settings, 0.0)
    assert said == "number 2 of 2 by distance: stands by"


def test_a_canary_and_a_shadow_say_what_they_get() -> None:
    sides = [backend("a", 1, share=950), backend("a", 2, share=50)]
    assert explain_share(sides[0], sides, RouteSettings(), 0.95) == "stable: 95 % of its target"
    assert explain_share(sides[1], sides, RouteSettings(), 0.05) == "canary: 5 % of its target"
    copied = backend("b", weight=0, shadow=10)
    assert explain_share(copied, [copied], RouteSettings(), 0.0) == "copies of 10 % of requests"
