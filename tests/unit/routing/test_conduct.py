from deployer.release.records import RouteSettings
from deployer.routing.conduct import make_conduct


def test_the_routes_settings_decide_unless_the_command_line_does() -> None:
    settings = RouteSettings(
        policy="latency", idempotent=True, health_path="/ready", max_in_flight=7
    )
    conduct = make_conduct(settings)
    assert (conduct.by_load, conduct.idempotent, conduct.probe_path) == (True, True, "/ready")
    assert conduct.max_in_flight == 7
    overruled = make_conduct(settings, idempotent=False, probe_path="/other")
    assert (overruled.idempotent, overruled.probe_path) == (False, "/other")


def test_fast_probes_each_second_and_judges_after_two() -> None:
    conduct = make_conduct(RouteSettings(), fast=True)
    assert (conduct.pace.steady, conduct.pace.timeout, conduct.rules.fall) == (1.0, 1.0, 2)
