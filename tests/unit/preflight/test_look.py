import pytest

from deployer.errors import AccessDeniedError, SetupError
from deployer.ports import Finding, Provider, Severity
from deployer.preflight import Checkup, check_targets, refuse_errors
from deployer.providers.book import load_book
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.cluster_faults import FlakyCluster
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.providers.local.memory_cluster import MemoryCluster
from deployer.values import Cloud

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {}}
FULL = Finding("quota", Severity.ERROR, "the quota is full", "Raise it.")


class World:
    """Two targets in memory that can be made to fail."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memories = {name: MemoryCluster(name, clock=self.clock) for name in ("aws", "gcp")}
        self.clusters = {n: FlakyCluster(m, self.clock) for n, m in self.memories.items()}
        self.disks = {name: MemoryStore(self.clock, f"s3://{name}") for name in self.memories}
        self.stores = {n: FlakyStore(s, self.clock) for n, s in self.disks.items()}

    def look(self, *, thorough: bool = True) -> dict[str, Checkup]:
        book = load_book()
        providers = {
            name: Provider(Cloud.AWS, self.stores[name], self.clusters[name], book)
            for name in self.memories
        }
        objects = {name: [CONFIG] for name in providers}
        checkups = check_targets(
            providers, objects, self.clock, thorough=thorough, timeout_seconds=20
        )
        return {checkup.target: checkup for checkup in checkups}


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_well_is_said_to_be_and_nothing_is_left_behind(world: World) -> None:
    looked = world.look()
    assert [each.check for each in looked["aws"].findings] == ["kinds", "store"]
    assert looked["aws"].errors == ()
    assert list(world.disks["aws"].list()) == []
    assert [each.check for each in world.look(thorough=False)["gcp"].findings] == ["kinds"]


def test_all_that_is_wrong_is_said_at_once_the_worst_first(world: World) -> None:
    world.memories["aws"].script_findings(Finding("nodes", Severity.WARNING, "no room now"), FULL)
    world.clusters["gcp"].down = True
    looked = world.look()
    assert [each.check for each in looked["aws"].findings] == ["quota", "nodes", "kinds", "store"]
    (away,) = looked["gcp"].errors
    assert (away.check, away.message) == ("cluster", "the cluster is down")
    assert "reachable from here" in away.hint


def test_a_store_says_which_of_its_works_is_refused(world: World) -> None:
    world.stores["aws"].add_fault(Fault(0, "delete", error=AccessDeniedError))
    (found,) = world.look()["aws"].errors
    assert found.check == "store"
    assert found.message.startswith("cannot delete: s3://aws")


def test_a_plan_is_refused_with_everything_that_is_wrong(world: World) -> None:
    world.memories["aws"].script_findings(FULL)
    world.memories["gcp"].script_findings(FULL)
    with pytest.raises(
        SetupError, match="aws: the quota is full; gcp: the quota is full"
    ) as raised:
        refuse_errors(list(world.look(thorough=False).values()))
    assert raised.value.hint == ("Raise it.\nNothing was changed. `deployer doctor` tells more.")


def test_a_plan_leaves_what_does_not_answer_to_whoever_reads_it(world: World) -> None:
    world.clusters["gcp"].down = True
    refuse_errors(list(world.look(thorough=False).values()))


def test_a_store_that_is_away_is_a_finding_too(world: World) -> None:
    world.stores["aws"].down = True
    assert [each.check for each in world.look()["aws"].errors] == ["store"]
