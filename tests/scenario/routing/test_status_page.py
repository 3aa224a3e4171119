"""The status page in a real browser. ``DEPLOYER_SCREENSHOTS=FOLDER`` keeps what it looked like."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
AUDIT = """
const done = arguments[arguments.length - 1];
axe.run(document).then((found) => done(found.violations.map(
    (v) => v.id + ": " + v.nodes.map((n) => n.html + " " + n.failureSummary).join("; "))));
"""


class Page:
    """A tab with the page; ``until`` waits for what the page comes to show by itself."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self._pause = threading.Event()

    def open(self, url: str) -> None:
        self.driver.get(f"{url}/-/")

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)"
        return [str(text).strip() for text in self.driver.execute_script(script, selector)]

    def until(self, check: Callable[[], bool]) -> None:
        for _ in range(150):
            if check():
                return
            self._pause.wait(0.1)
        raise AssertionError(self.texts("body"))

    def states(self) -> list[str]:
        return [text.split()[-1] for text in self.texts(".card .state")]

    def audit(self) -> list[str]:
        """Return what axe finds wrong for people who don't see, or not well."""
        source = files("axe_selenium_python").joinpath("node_modules/axe-core/axe.min.js")
        self.driver.execute_script(source.read_text("utf-8"))
        found: list[str] = self.driver.execute_async_script(AUDIT)
        return found

    def emulate(self, command: str, **values: Any) -> None:
        self.driver.execute_cdp_cmd(f"Emulation.{command}", values)

    def overflows(self) -> bool:
        script = "return document.documentElement.scrollWidth > window.innerWidth"
        return bool(self.driver.execute_script(script))

    def complaints(self) -> list[str]:
        """Return errors of the script and what the page's policy forbade."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def keep(self, name: str) -> None:
        folder = os.environ.get("DEPLOYER_SCREENSHOTS")
        if folder:
            self.driver.execute_script("window.scrollTo(0, 0)")
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


@pytest.fixture(name="page")
def _page(tmp_path: Path) -> Iterator[Page]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs chromium: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with Chrome(options=options, service=Service(driver)) as chrome:
        yield Page(chrome)


def test_the_page_lives_shows_a_target_go_down_and_says_when_it_knows_nothing(
    page: Page, cast: "Cast"
) -> None:
    router = cast.start_router("--fast", "--idempotent", *cast.given_backends)
    page.open(cast.url)
    page.until(lambda: page.states() == ["healthy"] * 3)
    assert page.texts("#overall") == ["✓ healthy"]
    cast.load(seconds=2, fault=cast.backends[0].kill)
    page.until(lambda: page.states() == ["down", "healthy", "healthy"])
    page.until(lambda: page.texts("#summary") == ["2 of 3 targets healthy"])
    assert page.texts("#overall") == ["! degraded"]
    assert "connection refused" in page.texts(".card .why")[0]
    assert page.texts(".card .share")[0] == "0 %"
    page.until(lambda: any("t0/0: " in text and "→ down" in text for text in page.texts("ol li")))
    assert any("new requests: t0/0" in text for text in page.texts("ol .then"))
    page.keep("one-down")
    router.kill()
    page.until(lambda: page.texts("#summary") == ["the router does not answer"])
    assert "What is shown was seen" in page.texts(".notice")[0]
    assert page.texts("#overall") == ["? unknown"]
    assert page.texts(".card .state") == ["? was down", "? was healthy", "? was healthy"]
    page.keep("silent")


def test_the_page_can_be_read_by_all_on_any_screen(page: Page, cast: "Cast") -> None:
    cast.start_router("--fast", *cast.given_backends)
    cast.load(seconds=2, fault=lambda: cast.set_mode(2, "500"))
    page.open(cast.url)
    page.until(lambda: "down" in page.states() and "0 ms" not in page.texts(".p99"))
    for scheme in ("light", "dark"):
        page.emulate(
            "setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        assert page.audit() == []
        page.keep(f"desktop-{scheme}")
    page.emulate("setDeviceMetricsOverride", **PHONE)
    assert not page.overflows()
    assert page.audit() == []
    page.keep("phone")
    assert page.complaints() == []


def test_a_name_is_shown_as_it_is_written_and_never_run(page: Page, cast: "Cast") -> None:
    name = "<img src=x onerror=document.title='taken'>"
    cast.urls = cast.urls[:1]
    cast.start_router("--fast", "--backend", f"{name.replace('=', '')}={cast.urls[0]}")
    page.open(cast.url)
    page.until(lambda: page.states() == ["healthy"])
    assert page.texts(".card h3") == [name.replace("=", "")]
    assert page.driver.title == "static: healthy"
