import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from deployer.cost.advice.advice import Rules
from deployer.evaluation import Disagreement, Holdout, Predictions
from deployer.evaluation.metrics import score_predictions
from deployer.providers.book import load_book
from deployer.release.records import Head
from deployer.report.advice import build_advice
from deployer.report.cost import build_cost_report
from deployer.report.health import build_health_report
from deployer.report.page import render_page
from deployer.report.quality import Quality, TargetQuality

Maker = Callable[..., Any]


class Outline(HTMLParser):
    """What a browser or a screen reader would find; every tag must be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found.append((tag, values))
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag != "meta":
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def page(make_bundle: Maker, make_part: Maker, make_seen: Maker, now: datetime) -> Maker:
    """Return a maker of pages of two targets, the second unpriced and out of reach."""

    def page(quality: Quality | None = None, **bundle: Any) -> str:
        parts = make_part(), make_part("edge", cloud="local", region="", machine="")
        release = make_bundle(42, *parts, **bundle)
        head = Head(name="iris", desired=42, live={"aws-virginia": 42, "edge": 42})
        silent = {"readiness": None, "probe": None, "url": ""}
        seen = [make_seen(), make_seen("edge", **silent, readiness_error="<no answer> in 5 s")]
        health = build_health_report(head, {42: release}, seen, now=now)
        books = dict.fromkeys(head.live, load_book())
        cost = build_cost_report(head, {42: release}, books, seen, now=now)
        rules = Rules(load_seconds=Decimal(20))
        advice = build_advice(cost, {42: release}, books, rules=rules)
        return render_page(health, cost, quality, tool="deployer 0", advice=advice)

    return page


@pytest.fixture
def quality() -> Quality:
    rng = np.random.default_rng(4)
    true = rng.integers(0, 3, 30).tolist()
    rows = tuple((float(label), 1.0) for label in true)
    held = Holdout(("a", "b"), "species", rows, tuple(true), "classification")
    given = tuple(map(tuple, rng.dirichlet([1, 1, 1], 30).tolist()))
    found = Predictions(tuple(true), given, (0.01,))
    other = Predictions(tuple((label + 1) % 3 for label in true), given, (0.01,))
    targets = (
        TargetQuality("aws", 42, scores=score_predictions(held, found), predictions=found),
        TargetQuality(
            "azure",
            42,
            scores=score_predictions(held, other),
            predictions=other,
            differs=Disagreement(1.0, ((0, 0, 1),)),
        ),
        TargetQuality("gcp", 42, unknown="the cluster did not answer"),
    )
    return Quality("iris", held, targets, {"azure": ("accuracy is 0.0000, below 0.9",)})


def test_the_page_fetches_nothing_and_runs_nothing(page: Maker, quality: Quality) -> None:
    text = page(quality)
    outline = Outline(text)
    tags = {tag for tag, _ in outline.found}
    assert not tags & {"script", "img", "iframe", "link", "object", "embed", "base"}
    for tag, values in outline.found:
        for name in ("src", "href", "xlink:href", "action", "poster", "srcset"):
            assert (values.get(name) or "#").startswith("#"), (tag, values)
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!#)|@import", text)


def test_what_is_unknown_is_told_as_that_with_its_reason(page: Maker) -> None:
    text = Outline(page()).text
    assert "unknown, 1 of 2 targets healthy" in text
    assert "<no answer> in 5 s" in text, "escaped in the page, whole for the reader"
    assert "edge: machines, control plane, balancer, storage, store requests unknown: a loc" in text
    assert re.search(r"230\.90 USD \+ unknown\s+a month.*partial", text)
    assert "0.00" not in text, "unknown is never free"


def test_what_could_cost_less_is_told_with_what_would_change_it(page: Maker) -> None:
    """One m6i.xlarge at 0.192 on spot machines at 0.0899: 730 h x 0.1021 = 74.55."""
    text = " ".join(Outline(page()).text.split())
    assert "74.55 USD a month, by all that is counted together" in text
    assert "aws-virginia: run its 1 x m6i.xlarge on spot machines" in text
    assert "interruptions: 20 % of the machines in a month" in text
    assert "spot of edge: nobody sells spot machines there" in text


def test_everything_has_a_name_for_who_does_not_see_it(page: Maker, quality: Quality) -> None:
    outline = Outline(page(quality))
    assert len(outline.ids) == len(set(outline.ids))
    assert ("html", {"lang": "en"}) in outline.found
    for tag, values in outline.found:
        if tag == "svg":
            assert values["role"] == "img"
            assert values["aria-label"]
        if tag == "th":
            assert values["scope"] in {"row", "col"}
        if values.get("role") == "region":
            assert values["aria-label"]
            assert values["tabindex"] == "0", "what scrolls can be reached by the keyboard"
        if "aria-labelledby" in values:
            assert values["aria-labelledby"] in outline.ids
    headings = [tag for tag, _ in outline.found if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1


def test_quality_is_shown_once_for_each_different_result(page: Maker, quality: Quality) -> None:
    outline = Outline(page(quality))
    charts = [values["aria-label"] for tag, values in outline.found if tag == "svg"]
    assert charts == [
        "Cost of a month by target",
        *[
            f"{what} of {target}"
            for target in ("aws", "azure")
            for what in ("Confusion", "ROC", "Precision and recall", "Calibration")
        ],
    ]
    for line in (
        "gcp: unknown: the cluster did not answer",
        "azure: answers 100.0% of the rows differently",
        "azure: missed: accuracy is 0.0000, below 0.9",
        "1.0000 (1.000 to 1.000)",
    ):
        assert line in outline.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(page: Maker, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text; its formula for relative luminance."""
    blocks = re.findall(r":root \{(.*?)\}", page(), re.DOTALL)
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", blocks[scheme == "dark"]))
    paper = luminance(colors.pop("paper"))
    for name in ("ink", "soft", "healthy", "degraded", "unknown", "down", "series-1"):
        lighter, darker = sorted((luminance(colors[name]), paper), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, name


def luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
