import pytest

from deployer.cli.narrator import narrate
from deployer.execution import Event


def test_a_target_that_had_to_stop_is_not_shown_as_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with narrate(quiet=False) as tell:
        tell(Event("begin", "stage", "wait", "gcp"))
        tell(Event("stopped", "stage", "wait", "gcp", "another target failed", 1.0))
    told = capsys.readouterr().err
    assert "gcp" in told
    assert "– stopped  another target failed" in told  # noqa: RUF001 - as it is shown
    assert "failed  " not in told.replace("another target failed", "")
