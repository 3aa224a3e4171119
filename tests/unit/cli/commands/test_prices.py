import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.providers.book.entry import read_entries
from tests.unit.providers.price_pages import aws_product


@pytest.fixture
def serve_prices() -> Iterator[str]:
    """Serve AWS's Pricing API with one answer, and yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"PriceList": [aws_product("0.2112")]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(*words: str, expect: int = 0) -> Any:
    result = CliRunner().invoke(app, ["prices", *words])
    assert result.exit_code == expect, result.output
    return result


def test_prices_are_shown_with_their_dates() -> None:
    lines = run("show", "aws", "us-east-1", "m6i.xlarge", "on-demand").stdout.splitlines()
    assert lines[0].split()[:4] == ["cloud", "region", "kind", "sku"]
    assert "0.192 USD" in lines[1]
    assert lines[-1] == "1 price, 1 older than 400 days"


def test_prices_as_json_and_csv_are_whole() -> None:
    document = json.loads(run("show", "g5.xlarge", "-o", "json").stdout)
    assert document["schema"] == "deployer/prices/v1"
    assert document["prices"][0]["sku"] == "g5.xlarge"
    assert len(list(read_entries(run("show", "g5.xlarge", "-o", "csv").stdout))) == len(
        document["prices"]
    )


def test_a_book_that_can_be_right_is_let_through_and_another_refused(tmp_path: Path) -> None:
    book = tmp_path / "new.csv"
    text = run("show", "-o", "csv").stdout
    book.write_text(text)
    assert "can be right: 822 prices" in run("check", str(book)).stdout
    book.write_text(
        text.replace("m6i.xlarge,on-demand,,hour,0.192,", "m6i.xlarge,on-demand,,hour,0.2112,")
    )
    refused = run("check", str(book), expect=1)
    assert "another system, tenancy or licence?" in refused.stdout
    assert "refused: 2 prices" in refused.stderr


def test_a_machine_of_ones_own_is_priced_by_the_hour() -> None:
    """9,000 / (4 x 8,760) = 0.256849, and 0.35 kW x 0.30 = 0.105: 0.361849."""
    words = "rack-7 --purchase 9000 --years 4 --watts 350 --kwh 0.3 --vcpu 32 --memory 256"
    (entry,) = read_entries(run("machine", *words.split()).stdout)
    assert f"{entry.price.money.amount}" == "0.361849"
    assert (entry.key.cloud, entry.key.sku) == ("kubernetes", "rack-7")


def test_a_clouds_machine_has_a_list_price() -> None:
    words = "m --purchase 1 --years 1 --watts 1 --kwh 1 --vcpu 1 --memory 1 --cloud aws"
    assert "clouds have list prices" in run("machine", *words.split(), expect=4).stderr


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_file_that_cannot_be_read_is_bad_input(command: str) -> None:
    words = ("none.csv",) if command == "check" else ("--prices", "none.csv")
    assert "cannot be read" in run(command, *words, expect=4).stderr


def test_a_list_that_needs_a_key_says_so_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    book = tmp_path / "new.csv"
    words = ("refresh", "gcp", "us-central1", "n2-standard-4", "--out", str(book))
    assert "needs an API key" in run(*words, expect=5).stderr
    assert not book.exists()


def test_what_nobody_asked_for_stays_as_it_is(tmp_path: Path) -> None:
    book = tmp_path / "new.csv"
    done = run("refresh", "no-such-machine", "--out", str(book))
    assert "0 prices of 0 anew, the rest as before" in done.stdout
    assert len(list(read_entries(book.read_text()))) == 822
    assert [file.name for file in tmp_path.iterdir()] == ["new.csv"]


def test_a_refreshed_book_that_cannot_be_right_is_not_written(
    tmp_path: Path, serve_prices: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list says 0.2112, a dedicated host's price, where the series has 0.048 per vCPU."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", serve_prices)
    book = tmp_path / "new.csv"
    words = ("refresh", "us-east-1", "m6i.xlarge", "on-demand", "--out", str(book))
    assert "others of its series" in run(*words, expect=1).stdout
    assert not book.exists()
