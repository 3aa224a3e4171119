"""What the pages say is there, is there."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.cli import app as entry

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
SHELL = ("sh", "bash", "shell", "console")


def pages(root: Path) -> list[Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def shell_lines(text: str) -> Iterator[str]:
    """Return the lines one would type, in one piece where they end in a backslash."""
    for language, block in FENCE.findall(text):
        if language in SHELL:
            lines = block.replace("\\\n", " ").splitlines()
            prompted = [line[2:] for line in lines if line.startswith("$ ")]
            yield from prompted or lines


def dead_links(page: Path) -> list[str]:
    targets = [inline or image for inline, image in LINK.findall(FENCE.sub("", page.read_text()))]
    return [target for target in targets if is_relative(target) and not resolves(page, target)]


def is_relative(target: str) -> bool:
    return not re.match(r"[a-z]+:", target)


def resolves(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    file = page.parent / name if name else page
    return file.exists() and (not anchor or anchor in anchors(file))


def anchors(page: Path) -> set[str]:
    """Return what the headings can be linked by, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def codes_in(table: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `?(\d+)`? \| (.+?) \|$", table, re.MULTILINE))


def test_the_page_of_commands_is_what_the_commands_say(root: Path) -> None:
    script = runpy.run_path(str(root / "docs" / "generate_commands.py"))
    written = (root / "docs" / "commands.md").read_text()
    assert written == script["generate_commands"](), "run: python docs/generate_commands.py"


def test_the_page_of_help_is_what_the_command_line_says(root: Path) -> None:
    script = runpy.run_path(str(root / "docs" / "generate_commands.py"))
    written = (root / "deployer" / "cli" / "help.py").read_text()
    assert written == script["generate_help"](), "run: python docs/generate_commands.py"


@pytest.mark.parametrize(
    ("page", "generate"),
    [("stand-ins.md", "generate_stand_ins"), ("faults.md", "generate_faults")],
)
def test_a_page_of_tables_is_what_the_tests_say(root: Path, page: str, generate: str) -> None:
    script = runpy.run_path(str(root / "docs" / "generate_tables.py"))
    written = (root / "docs" / page).read_text()
    assert written == script[generate](), "run: python docs/generate_tables.py"


@pytest.mark.parametrize(
    ("file", "generate"),
    [
        ("dashboard.json", "generate_dashboard"),
        ("exporter-dashboard.json", "generate_exporter_dashboard"),
    ],
)
def test_a_dashboard_is_what_its_script_makes(root: Path, file: str, generate: str) -> None:
    script = runpy.run_path(str(root / "docs" / "generate_dashboard.py"))
    written = (root / "manifests" / "monitoring" / file).read_text()
    assert written == script[generate](), "run: python docs/generate_dashboard.py"


def test_every_link_leads_somewhere(root: Path) -> None:
    dead = {str(page): links for page in pages(root) if (links := dead_links(page))}
    assert dead == {}


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading, here\n[a](#a-heading-here) [b](gone.md) [c](#gone) [d](https://x)\n"
    )
    assert dead_links(page) == ["gone.md", "#gone"]


def test_every_call_in_a_shell_block_works(root: Path, split_calls: Any, check_call: Any) -> None:
    lines = [line for page in pages(root) for line in shell_lines(page.read_text())]
    for call in [call for line in lines for call in split_calls(line)]:
        check_call(call)


def test_the_shell_lines_of_a_page_are_found() -> None:
    page = "```sh\ndeployer \\\n plan\n```\n```yaml\na: b\n```\n```sh\n$ deployer x\nout\n```\n"
    assert [line.split() for line in shell_lines(page)] == [["deployer", "plan"], ["deployer", "x"]]


def test_the_exit_codes_are_told_the_same_everywhere(root: Path) -> None:
    table = codes_in((root / "docs" / "commands.md").read_text())
    assert table == dict(re.findall(r"^(\d+) +(.+)$", entry.__doc__ or "", re.MULTILINE))
    in_readme = codes_in((root / "README.md").read_text())
    assert set(in_readme) <= set(table)
