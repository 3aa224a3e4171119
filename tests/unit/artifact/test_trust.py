from pathlib import Path

import pytest

from deployer.artifact.bundle import Claim, Kind
from deployer.artifact.trust import load_root
from deployer.errors import SetupError, SourceError

pytest.importorskip("sigstore")


def test_the_package_ships_the_public_root() -> None:
    root = load_root(None)
    assert root.shipped
    assert {log.base_url for log in root.body.tlogs} >= {"https://rekor.sigstore.dev"}
    assert root.describe_age() >= "2025-09-23"
    known = root.body.tlogs[0].log_id.key_id
    assert root.list_unknown(Claim(Kind.IDENTITY, log=known)) == []
    assert root.list_unknown(Claim(Kind.IDENTITY, log=bytes(32))) == [
        "the log of signatures 000000000000…"
    ]


@pytest.mark.parametrize("package", ["deployer", "there_is_no_such_package"])
def test_a_package_without_a_root_asks_for_a_file(package: str) -> None:
    with pytest.raises(SetupError, match="ships no trusted root") as caught:
        load_root(None, (package, "none", "trusted_root.json"))
    assert "signer: {trust: FILE}" in str(caught.value.hint)


def test_a_root_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        load_root(tmp_path / "none.json")
