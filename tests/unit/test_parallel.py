import threading

import pytest

from deployer.errors import DeployerError, SetupError, TransientError
from deployer.parallel import ask_each


def test_each_gets_its_own_answer_or_error_in_order() -> None:
    def fail() -> int:
        raise SetupError("no login")

    answers = ask_each({"b": lambda: 1, "a": fail}, timeout_seconds=5.0, what="reading")
    assert list(answers) == ["b", "a"]
    assert answers["b"] == 1
    assert isinstance(answers["a"], SetupError)


def test_one_that_hangs_does_not_delay_the_others() -> None:
    release = threading.Event()
    try:
        answers: dict[str, bool | DeployerError] = ask_each(
            {"dead": lambda: release.wait(30.0), "alive": lambda: True},
            timeout_seconds={"dead": 0.1, "alive": 5.0},
            what="reading",
        )
        assert answers["alive"] is True
        assert isinstance(answers["dead"], TransientError)
        assert "dead did not answer in 0.1 s" in str(answers["dead"])
    finally:
        release.set()


def test_a_defect_is_not_hidden() -> None:
    def defect() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_each({"a": defect}, timeout_seconds=5.0, what="reading")
