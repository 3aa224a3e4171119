from collections.abc import Sequence

import pytest

from deployer.cli.narrator import _Narrator, narrate
from deployer.execution import Event, Waiting


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


PULLING = Waiting("Deployment/iris-r2", "progressing", 14.2, "0 of 2 pods are ready")
PENDING = Waiting("Deployment/iris-r2", "pending", 3.0, "pod x: Unschedulable: no GPU\nmore")
DOOR = Waiting("Service/iris-r2", "progressing", 14.2, "no ready pod")


def waits(*objects: Waiting, target: str = "gcp") -> Event:
    return Event("waiting", "stage", "wait", target, objects=objects)


def test_without_a_terminal_each_change_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    later = Waiting(PULLING.name, PULLING.state, 20.0, PULLING.message)
    with narrate(quiet=False) as tell:
        for event in (waits(PULLING, DOOR), waits(later, DOOR), waits(PENDING, DOOR)):
            tell(event)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("… ")[1] for line in lines] == [
        "Deployment/iris-r2 progressing: 0 of 2 pods are ready",
        "Service/iris-r2 progressing: no ready pod",
        "Deployment/iris-r2 pending: pod x: Unschedulable: no GPU",
    ]


@pytest.mark.parametrize("count", [1, 9])
def test_on_a_terminal_what_is_waited_for_is_a_table_in_place(
    capsys: pytest.CaptureFixture[str], count: int
) -> None:
    objects: Sequence[Waiting] = [PULLING] * (count - 1) + [PENDING]
    narrator = _Narrator(quiet=False, live=True)
    narrator(Event("begin", "stage", "wait", "gcp"))
    narrator(waits(*objects))
    shown = capsys.readouterr().err.rpartition("\x1b[J")[2].splitlines()
    assert shown[0].split() == ["gcp", "ready", "…"]
    assert len(shown) == 1 + min(count, 6) + (count > 6)
    if count == 1:
        words = " ".join(shown[1].split())
        assert words == "Deployment/iris-r2 pending 3.0 s pod x: Unschedulable: no GPU"
    else:
        assert shown[-1].strip() == "and 3 more"
    narrator(Event("done", "stage", "wait", "gcp", "2/2 ready", 1.0))
    narrator.close()
    assert "✓ done" in capsys.readouterr().err
