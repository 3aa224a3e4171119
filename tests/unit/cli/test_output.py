from pathlib import Path

import pytest

from deployer.cli.output import format_command


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("deployer.yaml", "deployer plan"),
        ("other.yaml", "deployer plan -f other.yaml"),
        ("my specs/iris.yaml", "deployer plan -f 'my specs/iris.yaml'"),
    ],
)
def test_what_to_type_next_is_for_the_same_spec(file: str, command: str) -> None:
    assert format_command("plan", Path(file)) == command
