"""Everything in one page: written by the command, opened in a real browser."""

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.cli.commands.report_all import PageFormat, show_all
from deployer.errors import SourceError, TransientError
from deployer.evaluation import Holdout
from deployer.ports import HttpResponse

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--no-proxy-server",
)
ROWS = [(0.0, 0), (1.0, 1), (2.0, 0), (3.0, 1)]
HOLDOUT = Holdout(
    ("x",), "y", tuple((x,) for x, _ in ROWS), tuple(y for _, y in ROWS), "classification"
)
HARNESS = """\
<!doctype html><title>measuring</title><link rel="icon" href="data:,">
<iframe src="report.html" width="1100" height="800"></iframe>
<iframe src="report.html" width="360" height="640"></iframe>
<pre></pre>
<script>
addEventListener("load", () => {
  document.querySelector("pre").textContent = JSON.stringify([0, 1].map((index) => {
    const frame = frames[index], root = frame.document.documentElement;
    const body = frame.document.body, charts = [...frame.document.querySelectorAll("svg")];
    const boxes = charts.map((it) => it.getBoundingClientRect());
    return {
      overflow: root.scrollWidth - root.clientWidth,
      heading: frame.document.querySelector("h1").textContent,
      charts: boxes.filter((box) => box.width > 200 && box.height > 60).length,
      widest: Math.max(...boxes.map((box) => box.right)),
      paper: frame.getComputedStyle(body).backgroundColor,
      ink: frame.getComputedStyle(frame.document.querySelector("svg text")).fill,
      header: frame.document.querySelector("table.rows thead").getBoundingClientRect().width,
      fetched: frame.performance.getEntriesByType("resource").map((it) => it.name),
    };
  }));
});
</script>
"""


@pytest.fixture
def session(make_cluster: Maker, two_targets: Maker) -> Any:
    """Two live targets; the second one's cluster is silent, the first one's model is right."""
    outputs = [
        {"name": "predict", "data": [y for _, y in ROWS]},
        {
            "name": "predict_proba",
            "data": [p for _, y in ROWS for p in (0.9 - 0.8 * y, 0.1 + 0.8 * y)],
        },
    ]
    first = json.dumps({"outputs": [{"name": "predict", "data": [0]}]}).encode()
    replies = iter([first, json.dumps({"outputs": outputs}).encode()])
    silent = TransientError("the cluster did not answer", operation="call", resource="iris")
    opened = two_targets(readiness=silent, call=silent)
    answering = make_cluster(call=lambda: HttpResponse(200, next(replies), 0.01))
    opened.providers["aws-virginia"] = type(opened.providers["aws-virginia"])(
        opened.providers["aws-virginia"].cloud,
        opened.providers["aws-virginia"].store,
        answering,
        opened.providers["aws-virginia"].prices,
    )
    return opened


@pytest.fixture
def served(session: Any, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The page and a harness that measures it, on loopback; and what was asked for."""
    show_all(session, PageFormat.HTML, HOLDOUT, to=tmp_path / "report.html", timeout_seconds=20)
    (tmp_path / "harness.html").write_text(HARNESS)
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/harness.html", asked
        server.shutdown()
        thread.join()


def browse(url: str, profile: Path, *flags: str) -> list[dict[str, Any]]:
    """Open the harness and return what it measured, for each width."""
    done = subprocess.run(
        [str(CHROMIUM), *FLAGS, *flags, f"--user-data-dir={profile}", "--dump-dom", url],
        check=True,
        timeout=60,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    found = re.search(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    assert found is not None, done.stdout[:2000]
    measured: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return measured


def test_health_cost_and_quality_are_one_document(session: Any, capsys: Capture) -> None:
    assert show_all(session, PageFormat.JSON, HOLDOUT, timeout_seconds=20) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "deployer/report/v1"
    verdicts = {it["target"]: it["verdict"] for it in document["health"]["targets"]}
    assert verdicts["aws-virginia"] == "healthy"
    assert document["cost"]["total"]["monthly"]
    aws, gcp = document["quality"]["targets"]
    assert aws["metrics"]["accuracy"]["value"] == 1.0
    assert gcp["unknown"]


def test_without_labelled_rows_there_is_no_quality(session: Any, capsys: Capture) -> None:
    show_all(session, PageFormat.HTML, timeout_seconds=20)
    said = capsys.readouterr().out
    assert '<h2 id="cost">' in said
    assert "quality" not in said.lower().replace("equality", "")


def test_a_page_that_cannot_be_written_says_where(session: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone/report.html: the report cannot be written"):
        show_all(session, PageFormat.HTML, to=tmp_path / "gone/report.html", timeout_seconds=20)


def test_bad_rows_are_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,y\nnan,1\n")
    result = CliRunner().invoke(app, ["report", "all", "--data", str(tmp_path / "d.csv")])
    assert result.exit_code == 4
    assert "a: expected a finite number, got 'nan'" in result.output


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
def test_a_browser_shows_it_on_a_desk_and_on_a_phone_and_fetches_nothing(
    served: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = served
    desk, phone = browse(url, tmp_path / "light", "--blink-settings=preferredColorScheme=1")
    for found in (desk, phone):
        assert found["heading"].startswith("iris: ")
        assert found["overflow"] == 0, "nothing makes the page itself scroll sideways"
        assert found["charts"] == 5
        assert found["fetched"] == []
        assert (found["paper"], found["ink"]) == ("rgb(255, 255, 255)", "rgb(27, 31, 36)")
    assert phone["widest"] <= 360
    assert desk["header"] > 500
    assert phone["header"] <= 1, "on a phone every cell carries its own name"
    assert {path.split("?")[0] for path in asked} <= {
        "/harness.html",
        "/report.html",
        "/favicon.ico",
    }


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
def test_at_night_the_page_is_dark_and_so_are_its_charts(
    served: tuple[str, list[str]], tmp_path: Path
) -> None:
    desk, _ = browse(served[0], tmp_path / "dark", "--blink-settings=preferredColorScheme=0")
    assert (desk["paper"], desk["ink"]) == ("rgb(13, 17, 23)", "rgb(230, 237, 243)")
