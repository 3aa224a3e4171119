"""Routers in processes of their own that are told more than weights."""

import json
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

DEPLOYER = str(Path(sys.executable).parent / "deployer")
KEY = "a-key-that-nobody-guesses"
BLOCK = f"""
routing:
  policy: region
  region: {{header: X-Region, default: us-west-2}}
  guard: {{keys: [{{name: mobile, sha256: "{sha256(KEY.encode()).hexdigest()}"}}]}}
"""
POST = (
    "POST /infer HTTP/1.1\r\nHost: iris\r\nX-Request-Id: r\r\nContent-Length: 2\r\n"
    "Connection: close\r\n{}\r\n{{}}"
)


def target_of(answer: str) -> str:
    return answer.partition("X-Deployer-Target: ")[2].partition("\r\n")[0]


def test_a_block_of_routing_gives_a_router_alone_all_that_a_spec_can_say(cast: "Cast") -> None:
    block = cast.folder / "routing.yaml"
    block.write_text(BLOCK)
    places = ["region=us-east-1", "region=eu-west-1", "shadow=100"]
    backends = [f"t{i}={url},{places[i]}" for i, url in enumerate(cast.urls)]
    options = [word for text in backends for word in ("--backend", text)]
    cast.start_router(*options, "--routing", str(block), "--fast")
    key = f"X-API-Key: {KEY}\r\n"
    assert cast.ask(POST.format("")).startswith("HTTP/1.1 401 ")
    assert target_of(cast.ask(POST.format(key))) == "t0/0"
    assert target_of(cast.ask(POST.format(f"{key}X-Region: europe-west3\r\n"))) == "t1/0"
    seen = json.loads(cast.get("/-/status"))
    assert seen["turned_away"] == {"no key or token": 1}
    assert [b["why"] for b in seen["backends"]] == [
        "number 1 of 2 by distance",
        "number 2 of 2 by distance: stands by",
        "copies of 100 % of requests",
    ]
    command = [DEPLOYER, "router", "status", "--url", cast.url]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
    assert "turned away: 1 (no key or token)" in said
    assert "t1: number 2 of 2 by distance: stands by" in said
    assert KEY not in cast.said


@pytest.mark.parametrize("engine", ["embedded", "haproxy", "envoy"])
def test_a_canary_gets_its_part_of_its_target_from_each_engine(cast: "Cast") -> None:
    texts = [f"a@1={cast.urls[0]},weight=60,share=750", f"a@2={cast.urls[1]},weight=60,share=250"]
    texts.append(f"b={cast.urls[2]},weight=40")
    options = [word for text in texts for word in ("--backend", text)]
    cast.start_router(*options, "--probe-path", "/v2/health/ready", "--fast")
    seen = Counter(cast.ask_for_target() for _ in range(60))
    assert seen.total() == 60
    assert 6 <= seen["a/2"] <= 12
    assert 18 <= seen["b/0"] <= 30
