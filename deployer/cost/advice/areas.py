"""Where in the world a region is, as far as its name says: data may have to stay there."""

import re

from deployer.values import Cloud

__all__ = ["find_area"]

_PATTERNS = (
    ("North America", r"^(us|ca|northamerica|mx)-|(us|us2|us3)$|^(canada|mexico)"),
    ("South America", r"^(sa|southamerica)-|^(brazil|chile)"),
    ("Europe", r"^(eu|europe)-|europe$|^(uk|france|germany|norway|sweden|switzerland)"),
    ("Europe", r"^(poland|italy|spain)"),
    ("Asia", r"^(ap|asia)-|asia$|^(japan|korea|india|indonesia|malaysia)|india$"),
    ("Australia", r"^australia"),
    ("Middle East", r"^(me|il)-|^(uae|qatar|israel)"),
    ("Africa", r"^(af|africa)-|^southafrica"),
)  # fmt: skip
_EXACT = {
    (Cloud.AWS, "ap-southeast-2"): "Australia",
    (Cloud.AWS, "ap-southeast-4"): "Australia",
}


def find_area(cloud: Cloud, region: str) -> str:
    """Return the part of the world, as ``Europe``; empty when the name does not say it."""
    if (cloud, region) in _EXACT:
        return _EXACT[cloud, region]
    return next((area for area, pattern in _PATTERNS if re.search(pattern, region)), "")
