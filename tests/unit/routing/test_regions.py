import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.routing.regions import is_known_region, rank_by_distance

EVERYWHERE = {"va": "us-east-1", "ie": "eu-west-1", "fra": "europe-west3", "sg": "southeastasia"}


@pytest.mark.parametrize(
    ("origin", "order"),
    [
        ("us-east-1", ["va", "ie", "fra", "sg"]),
        ("europe-west1", ["fra", "ie", "va", "sg"]),
        ("japaneast", ["sg", "fra", "ie", "va"]),
        ("sa-east-1", ["va", "ie", "fra", "sg"]),
    ],
)
def test_the_nearest_comes_first(origin: str, order: list[str]) -> None:
    tiers = rank_by_distance(origin, EVERYWHERE)
    assert sorted(tiers, key=tiers.__getitem__) == order


def test_regions_in_one_place_are_equally_near() -> None:
    virginia = {"aws": "us-east-1", "gcp": "us-east4", "azure": "eastus", "far": "us-west-2"}
    assert rank_by_distance("eastus2", virginia) == {"aws": 0, "gcp": 0, "azure": 0, "far": 1}


def test_a_region_nobody_knows_is_near_itself_and_far_from_all_others() -> None:
    tiers = rank_by_distance("rack-7", {"here": "rack-7", "there": "us-east-1", "else": ""})
    assert tiers == {"here": 0, "there": 1, "else": 1}
    assert not is_known_region("rack-7")


regions = st.sampled_from(["us-east-1", "westeurope", "asia-east1", "af-south-1", "rack-7", ""])


@given(regions, st.dictionaries(st.sampled_from("abcdef"), regions))
def test_tiers_are_without_gaps_and_the_own_region_is_first(
    origin: str, where: dict[str, str]
) -> None:
    tiers = rank_by_distance(origin, where)
    assert sorted(set(tiers.values())) == list(range(len(set(tiers.values()))))
    assert all(tiers[target] == 0 for target, region in where.items() if region == origin)
