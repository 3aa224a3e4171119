import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from deployer.evaluation.curves import Curve
from deployer.report.charts import draw_bars, draw_confusion, draw_curves

CURVE = Curve("<b>", (0.0, 0.5, 1.0), (0.0, 0.9, 1.0))
CHARTS: dict[str, Callable[[str], str]] = {
    "bars": lambda title: draw_bars(title, {"a": {"x": 1.0}, "b": {}}, unit="USD"),
    "confusion": lambda title: draw_confusion(title, ["no & yes", 1], [[3, 1], [0, 0]]),
    "curves": lambda title: draw_curves(title, [CURVE], x="x", y="y", diagonal=True, marked=True),
}


def texts(svg: str) -> list[str]:
    return [text for text in ET.fromstring(svg).itertext() if text.strip()]  # noqa: S314 - ours


@pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS.keys())
def test_a_chart_is_an_image_with_a_name_and_takes_its_colours_from_the_page(
    draw: Callable[[str], str],
) -> None:
    svg = draw('Costs of "a" < b')
    root = ET.fromstring(svg)  # noqa: S314 - ours
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'Costs of "a" < b'
    assert root.get("width") is None, "as wide as its place"
    assert "var(--ink)" in svg
    colors = set(re.findall(r"#[0-9a-f]{6}\b", svg))
    assert colors <= {"#000000"}, "the page's style decides"
    assert not re.search(r"https?://(?!www\.w3\.org/)", svg)


def test_two_charts_share_no_id() -> None:
    ids = [
        set(re.findall(r'\bid="([^"]+)"', draw(f"{name} chart"))) for name, draw in CHARTS.items()
    ]
    assert not ids[0] & ids[1] | ids[1] & ids[2] | ids[0] & ids[2]
    svg = CHARTS["curves"]("Again")
    wanted = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert wanted <= set(re.findall(r'\bid="([^"]+)"', svg)), "every reference leads somewhere"


def test_a_bar_says_its_sum_what_is_partial_and_what_is_unknown() -> None:
    rows = {"aws": {"machines": 100.0, "balancer": 20.4}, "gcp": {"machines": 1000.0}, "edge": {}}
    found = texts(draw_bars("Cost", rows, unit="USD", partial=["gcp", "edge"]))
    assert {"120 USD", "≥ 1,000 USD", "unknown", "machines", "balancer"} <= set(found)
    assert not {"0 USD", "≥ 0 USD"} & set(found), "unknown is never free"


def test_a_confusion_shows_every_count_and_every_class() -> None:
    found = texts(draw_confusion("Confusion", ["setosa", 1], [[30, 1200], [0, 7]]))
    assert {"30", "1,200", "0", "7", "setosa", "1", "true", "answered"} <= set(found)


def test_words_of_the_user_stay_words() -> None:
    assert "<b>" in texts(draw_curves("ROC", [CURVE], x="x", y="y", diagonal=False))
