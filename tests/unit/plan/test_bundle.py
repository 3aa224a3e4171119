from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.plan import content_of
from deployer.release.gates import SmokeRecord
from deployer.release.records import Bundle as Record
from deployer.release.records import decode_record, encode_record

World = Any


def content(world: World) -> str:
    machine = world.start()
    return content_of(machine.session.spec, machine.scan(), machine.session.gates())


def test_a_bundle_survives_being_written_down(world: World) -> None:
    made = world.start().plan().bundle
    assert decode_record(Record, encode_record(made), where="here") == made
    assert "path" not in made.config["model"], "a path on somebody's machine is not configuration"


def test_content_does_not_depend_on_the_number(world: World) -> None:
    before = content(world)
    first = world.start().plan()
    world.start().deploy()
    assert content(world) == before == first.bundle.content


@pytest.mark.parametrize(
    "change",
    [
        ("LOG_LEVEL: info", "LOG_LEVEL: debug"),
        ("soak: 5s", "soak: 6s"),
        ("gates:", "routing: {idempotent: true}\ngates:"),
        ("env:", "resources: {cpu: 250m}, env:"),
    ],
)
def test_content_moves_with_the_configuration(world: World, change: tuple[str, str]) -> None:
    before = content(world)
    world.write_spec(change)
    assert content(world) != before


def test_content_moves_with_the_model_and_with_the_gate(world: World) -> None:
    before = content(world)
    world.write_requests([{"inputs": [[2]]}])
    other = content(world)
    world.write_model("two")
    assert len({before, other, content(world)}) == 3


def test_a_smoke_gate_is_recorded_as_it_was_asked_for(world: World) -> None:
    smoke = world.start().plan().bundle.gates.smoke
    assert smoke == SmokeRecord(
        requests=({"inputs": [[1]], "expect": [{"name": "p", "data": [0, 1]}]},)
    )


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    replicas=st.integers(1, 5),
    cpu=st.sampled_from(["250m", "1", "2.5"]),
    level=st.text("ab", max_size=3),
)
def test_a_plan_after_its_own_application_is_empty(
    world: World, replicas: int, cpu: str, level: str
) -> None:
    world.write_spec(
        ("LOG_LEVEL: info", f'LOG_LEVEL: "{level}"'),
        ("env:", f"replicas: {{min: {replicas}}}, resources: {{cpu: {cpu!r}}}, env:"),
    )
    world.write_model(f"{replicas} {cpu} {level}")
    world.start().deploy()
    assert world.start().plan().nothing_to_do
