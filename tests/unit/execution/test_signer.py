import json
from typing import Any

import pytest

from deployer.artifact import Identity
from deployer.artifact.signature import SIGNATURE
from deployer.cli.model_notes import list_model_notes
from deployer.errors import IntegrityError
from deployer.execution import find_signer
from deployer.providers.local.clock import SystemClock
from tests.unit.artifact.keyless import ISSUER, PERSON, Sigstore
from tests.unit.artifact.signing import state_model

World = Any
PLAIN = "path: ./model"


def demand(world: World, person: str) -> None:
    """Let the spec demand that ``person`` signed the model."""
    signer = f"{{identity: {person}, issuer: {ISSUER}, trust: root.json}}"
    world.write_spec((PLAIN, f"{PLAIN}, signature: required, signer: {signer}"))


@pytest.fixture
def signed(world: World) -> World:
    model = world.folder / "model"
    sigstore = Sigstore(SystemClock().now())
    (world.folder / "root.json").write_text(json.dumps(sigstore.trusted_root()))
    bundle = sigstore.sign(state_model(model, world.folder))
    (model / SIGNATURE).write_text(json.dumps(bundle))
    return world


def test_a_signers_files_are_beside_the_spec(world: World) -> None:
    assert find_signer(world.load_spec()) is None
    world.write_spec((PLAIN, f"{PLAIN}, signer: team.pub"))
    assert find_signer(world.load_spec()) == world.folder / "team.pub"
    demand(world, PERSON)
    assert find_signer(world.load_spec()) == Identity(PERSON, ISSUER, world.folder / "root.json")


def test_what_the_demanded_identity_signed_is_deployed(signed: World) -> None:
    demand(signed, PERSON)
    machine = signed.start()
    assert machine.deploy().release == 1
    notes = list_model_notes(machine.session.spec, machine.scan())
    assert any(note.startswith(f"signed by {PERSON} of {ISSUER}, logged at") for note in notes)


def test_what_somebody_else_signed_touches_nothing(signed: World) -> None:
    demand(signed, "else@acme.example")
    before = signed.objects()
    with pytest.raises(IntegrityError, match=r"is not what else@acme\.example signed"):
        signed.start().deploy()
    assert signed.objects() == before
