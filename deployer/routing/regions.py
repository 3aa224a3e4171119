"""How far the clouds' regions are from one another, over the ground.

Where a region is, its vendor publishes (AWS "Regions and Availability Zones", Google Cloud "Regions
and zones", Azure "List of Azure regions"), as a city or a part of a country; its latitude and
longitude are here to the degree. That is near enough to put regions in order, and nothing else is
done with it. Regions within 150 km of one another count as equally near, as a millisecond does not
decide anything.
"""

import math
from collections.abc import Mapping

__all__ = ["is_known_region", "rank_by_distance"]

_SAME_PLACE_KM = 150.0
_EARTH_KM = 6371.0

_PLACES: Mapping[tuple[float, float], str] = {
    # North America
    (39, -77): "us-east-1 us-east4 eastus eastus2",
    (40, -83): "us-east-2 us-east5",
    (33, -80): "us-east1",
    (41, -96): "us-central1",
    (42, -94): "centralus",
    (42, -88): "northcentralus",
    (32, -97): "us-south1",
    (29, -98): "southcentralus",
    (41, -105): "westcentralus",
    (37, -120): "us-west-1",
    (38, -122): "westus",
    (46, -120): "us-west-2",
    (45.6, -121): "us-west1",
    (47, -120): "westus2",
    (33, -112): "westus3",
    (34, -118): "us-west2",
    (41, -112): "us-west3",
    (36, -115): "us-west4",
    (45.5, -73.6): "ca-central-1 northamerica-northeast1",
    (43.7, -79.4): "northamerica-northeast2 canadacentral",
    (46.8, -71.2): "canadaeast",
    (51, -114): "ca-west-1",
    (20.6, -100.4): "mx-central-1 northamerica-south1 mexicocentral",
    # South America
    (-23.5, -46.6): "sa-east-1 southamerica-east1 brazilsouth",
    (-22.9, -43.2): "brazilsoutheast",
    (-33.4, -70.7): "southamerica-west1 chilecentral",
    # Europe
    (53.3, -6.3): "eu-west-1 northeurope",
    (51.5, -0.1): "eu-west-2 europe-west2 uksouth",
    (51.5, -3.2): "ukwest",
    (48.9, 2.4): "eu-west-3 europe-west9 francecentral",
    (43.8, 2.1): "francesouth",
    (50.1, 8.7): "eu-central-1 europe-west3 germanywestcentral",
    (52.5, 13.4): "europe-west10",
    (53.1, 8.8): "germanynorth",
    (47.4, 8.5): "eu-central-2 europe-west6 switzerlandnorth",
    (46.2, 6.1): "switzerlandwest",
    (50.4, 3.8): "europe-west1",
    (50.8, 4.4): "belgiumcentral",
    (53.4, 6.8): "europe-west4",
    (52.4, 4.9): "westeurope",
    (45.5, 9.2): "eu-south-1 europe-west8 italynorth",
    (45.1, 7.7): "europe-west12",
    (41.6, -0.9): "eu-south-2",
    (40.4, -3.7): "europe-southwest1 spaincentral",
    (52.2, 21): "europe-central2 polandcentral",
    (48.2, 16.4): "austriaeast",
    (59.3, 18.1): "eu-north-1 europe-north2",
    (60.7, 17.1): "swedencentral",
    (60.6, 27.1): "europe-north1",
    (59.9, 10.8): "norwayeast",
    (59, 5.7): "norwaywest",
    # Middle East and Africa
    (26.1, 50.6): "me-south-1",
    (25.3, 55.3): "me-central-1 uaenorth",
    (24.5, 54.4): "uaecentral",
    (25.3, 51.5): "me-central1 qatarcentral",
    (26.4, 50.1): "me-central2",
    (32.1, 34.8): "il-central-1 me-west1 israelcentral",
    (-33.9, 18.4): "af-south-1 southafricawest",
    (-26.2, 28): "africa-south1 southafricanorth",
    # Asia
    (19.1, 72.9): "ap-south-1 asia-south1 westindia",
    (17.4, 78.5): "ap-south-2",
    (28.6, 77.2): "asia-south2",
    (18.6, 73.9): "centralindia",
    (13, 80.2): "southindia",
    (1.4, 103.8): "ap-southeast-1 asia-southeast1 southeastasia",
    (3.1, 101.7): "ap-southeast-5 malaysiawest",
    (13.8, 100.5): "ap-southeast-7",
    (-6.2, 106.8): "ap-southeast-3 asia-southeast2 indonesiacentral",
    (22.3, 114.2): "ap-east-1 asia-east2 eastasia",
    (24.1, 120.5): "asia-east1",
    (25, 121.5): "ap-east-2",
    (35.7, 139.7): "ap-northeast-1 asia-northeast1 japaneast",
    (34.7, 135.5): "ap-northeast-3 asia-northeast2 japanwest",
    (37.6, 127): "ap-northeast-2 asia-northeast3 koreacentral",
    (35.2, 129.1): "koreasouth",
    # Oceania
    (-33.9, 151.2): "ap-southeast-2 australia-southeast1 australiaeast",
    (-37.8, 145): "ap-southeast-4 australia-southeast2 australiasoutheast",
    (-35.3, 149.1): "australiacentral australiacentral2",
    (-36.8, 174.8): "ap-southeast-6 newzealandnorth",
}

_WHERE = {region: place for place, regions in _PLACES.items() for region in regions.split()}


def is_known_region(region: str) -> bool:
    """Tell whether it is known where a region is."""
    return region in _WHERE


def rank_by_distance(origin: str, regions: Mapping[str, str]) -> dict[str, int]:
    """Return each target's tier, the nearest to ``origin`` first.

    Args:
        regions: Each target's. One that is ``origin`` by name is near wherever that is; of all
            others those whose place is unknown come last, together.
    """
    distances = {target: _distance_km(origin, region) for target, region in regions.items()}
    tiers, tier, nearest = dict[str, int](), -1, -math.inf
    for target in sorted(distances, key=distances.__getitem__):
        if tier < 0 or distances[target] > nearest + _SAME_PLACE_KM:
            tier, nearest = tier + 1, distances[target]
        tiers[target] = tier
    return tiers


def _distance_km(here: str, there: str) -> float:
    """Return the way along a great circle (the haversine formula); without end when unknown."""
    if here == there:
        return 0.0
    if here not in _WHERE or there not in _WHERE:
        return math.inf
    (lat1, lon1), (lat2, lon2) = (map(math.radians, _WHERE[region]) for region in (here, there))
    height = math.sin((lat2 - lat1) / 2) ** 2
    width = math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(height + width))
