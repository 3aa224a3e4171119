from typing import Any

from deployer.cli.canary import list_canary_lines

World = Any
CANARY = ("{soak: 5s}", "{type: canary, steps: [5, 50], hold: 90s, soak: 5s}")


def test_a_plan_says_what_a_canary_goes_through_what_it_costs_and_who_watches(world: World) -> None:
    world.drop_gcp(CANARY)
    first = list(list_canary_lines(world.start().plan()))
    assert first == ["canary: no target serves another release yet, so there is nothing to share"]
    world.start().deploy()
    world.write_model("two")
    steps, balancer, *notes = list_canary_lines(world.start().plan())
    assert steps == (
        "canary: 5 % for 1 m 30 s, 50 % for 1 m 30 s, then all of it; 3 m 00 s on aws, azure"
    )
    assert balancer.startswith(
        "  a load balancer of its own: 0.00 + unknown USD of the month above"
    )
    assert "aws 1 x 0.05 h, at most" in balancer
    assert "only routers of deployer's share traffic out" in notes[0]
    assert "without gates.analysis nobody looks at what users get" in notes[1]


def test_by_another_strategy_there_is_nothing_to_say(world: World) -> None:
    assert list(list_canary_lines(world.start().plan())) == []
