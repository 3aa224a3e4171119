from collections.abc import Callable

from deployer.routing.admission import QUEUE_LENGTH, Admission


class Request:
    def __init__(self) -> None:
        self.admitted = 0

    def admit(self) -> None:
        self.admitted += 1


def make() -> tuple[Admission, list[Callable[[], None]]]:
    later: list[Callable[[], None]] = []
    return Admission(later.append), later


def test_the_first_to_come_is_the_first_to_be_let_in_and_only_one() -> None:
    admission, later = make()
    first, second = Request(), Request()
    assert admission.join(first)
    assert admission.join(second)
    admission.admit_next()
    assert (first.admitted, second.admitted) == (0, 0), "not from within the one that frees a slot"
    for call in later:
        call()
    assert (first.admitted, second.admitted) == (1, 0)
    assert len(admission) == 1


def test_a_full_queue_takes_nobody() -> None:
    admission, _ = make()
    assert all(admission.join(Request()) for _ in range(QUEUE_LENGTH))
    assert not admission.join(Request())


def test_one_that_left_is_not_let_in() -> None:
    admission, later = make()
    gone = Request()
    admission.join(gone)
    admission.leave(gone)
    admission.leave(gone)
    admission.admit_next()
    assert later == []
