from deployer.routing.health import Health, State
from deployer.routing.policy import Candidate, effective_shares, steady_shares

GOOD = Health(since=0.0, state=State.HEALTHY, proven=True)
TRIAL = Health(since=0.0, state=State.DOWN, proven=True, ejected_until=5.0)


def test_one_that_may_be_tried_has_no_share_yet() -> None:
    candidates = [Candidate("a", 60, GOOD), Candidate("b", 40, TRIAL)]
    assert effective_shares(candidates, now=6.0) == {"a": 0.6, "b": 0.4}  # of the next request
    assert steady_shares(candidates, now=6.0) == {"a": 1.0, "b": 0.0}


def test_it_has_all_of_it_when_nothing_else_is_there() -> None:
    down = Health(since=0.0, state=State.DOWN, proven=True, up=False)
    candidates = [Candidate("a", 60, down), Candidate("b", 40, TRIAL)]
    assert steady_shares(candidates, now=6.0) == {"a": 0.0, "b": 1.0}
    assert steady_shares(candidates, now=4.0) == {"a": 0.0, "b": 0.0}
