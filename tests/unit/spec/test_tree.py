import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import SpecError
from deployer.spec.tree import Finding, Tree, dig, parse_trees, read_text
from deployer.values import canonical_json

FILE = Path("some.yaml")


def parse(text: str) -> Tree:
    return parse_trees(text, file=FILE)[0]


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_trees(text, file=FILE)
    fault = caught.value.faults[0]
    return f"{fault.line}:{fault.column} {fault.message}"


def test_values_are_json_and_dates_stay_text() -> None:
    text = "{a: 1, b: 2.5, c: true, d: ~, e: 2026-11-23, f: yes, g: 0x10, h: 1_000, i: [x], j: 007}"
    assert parse(text).data == {
        "a": 1,
        "b": 2.5,
        "c": True,
        "d": None,
        "e": "2026-11-23",
        "f": "yes",
        "g": 16,
        "h": 1000,
        "i": ["x"],
        "j": 7,
    }


@pytest.mark.parametrize("text", [".inf", ".nan", "1e999", "9" * 5000, "1.2.3"])
def test_what_is_no_number_of_use_stays_text(text: str) -> None:
    assert parse(f"a: {text}").data == {"a": text}


def test_every_value_and_key_has_its_place() -> None:
    tree = parse("a: 1\nb:\n  - c: x\n    d: y\n")
    assert (tree.place(("b", 0, "d")).line, tree.place(("b", 0, "d")).column) == (4, 8)
    assert tree.place(("b", 0, "d"), on_key=True).column == 5
    assert tree.place(("b", 0, "nothing", "here")).line == 3


def test_aliases_and_merges_expand() -> None:
    tree = parse("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [*b, {z: 4}]}\n")
    assert tree.data["one"] == {"x": 1, "y": 3}
    assert tree.data["two"] == {"x": 1, "y": 2, "z": 4}
    assert parse("a: &x 1\nb: &x 2\nc: *x\n").data["c"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "the key 'a' is there already, on line 1"),
        ("1: a\n", "a key must be a string; put it in quotes"),
        ("[a, b]: c\n", "a key must be a string; put it in quotes"),
        ("a: !foo b\n", "the tag !foo means nothing here"),
        ("a: {<<: 3}\n", "<< takes a map, or a list of maps"),
    ],
)
def test_what_has_no_plain_meaning_is_found(text: str, message: str) -> None:
    assert [finding.message for finding in parse(text).findings] == [message]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n\tb: 2", "2:1 a tab; YAML is indented with spaces"),
        ("a: [1", "1:6 a bracket that is never closed"),
        ("a: 'x", "1:6 a quote that is never closed"),
        ("a: b: c", "1:5 a second ': ' in one line; put the text in quotes"),
        ("a: *x", "1:4 an alias (*name) without an anchor (&name) before it"),
        ("@a: 1", "1:1 a character that cannot start a value; put the text in quotes"),
        ("a:\n  - b\n c: d", "3:2 indentation that does not line up with the lines above"),
        ("a: x\nb: \x01", "2:4 a control character, which YAML does not allow"),
        ("%YAML 3.0\n---\na: 1", "1:1 found incompatible YAML document"),
    ],
)
def test_what_is_not_yaml_is_said_in_plain_words(text: str, words: str) -> None:
    assert refusal(text).startswith(words)


def test_an_alias_bomb_is_refused_before_it_expands() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert "more than 20000 values once aliases are expanded" in refusal("\n".join(lines))


def test_an_alias_of_itself_is_refused() -> None:
    assert "nested more than 64 levels deep" in refusal("a: &a [*a]")
    assert "more than 64 levels" in refusal("a: &a {b: *a}")


def test_a_merge_bomb_counts_too() -> None:
    keys = ", ".join(f"k{n}: {n}" for n in range(200))
    text = f"base: &b {{{keys}}}\nall:\n" + "  - {<<: *b}\n" * 200
    assert "once aliases are expanded" in refusal(text)


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@,? \n\t~1<"), max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with contextlib.suppress(SpecError):
        for tree in parse_trees(text, file=FILE):
            canonical_json(tree.data)
            tree.faults(tree.findings)


def test_endless_nesting_is_refused() -> None:
    assert "nested" in refusal("[" * 1000)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deployer.yaml"
    file.write_bytes(b"name: iris\nmodel: \xff\n")
    with pytest.raises(SpecError) as caught:
        read_text(file)
    fault = caught.value.faults[0]
    assert (fault.line, fault.column) == (2, 8)
    assert "UTF-8" in fault.message


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "deployer.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: iris\n")
    assert read_text(file) == "name: iris\n"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "deployer.yaml"
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(SpecError, match="larger than 1 MiB"):
        read_text(file)


def test_an_empty_document_holds_nothing_at_a_place() -> None:
    tree = parse("---\n")
    assert tree.data is None
    assert tree.faults([Finding((), "nothing")])[0].message == "nothing"


@pytest.mark.parametrize(
    ("path", "value"),
    [(("a", 0, "b"), 1), (("a", 5), None), (("a", "b"), None), ((0,), None), (("c", 0), None)],
)
def test_dig_passes_over_what_is_not_there(path: tuple[str | int, ...], value: object) -> None:
    assert dig({"a": [{"b": 1}], "c": "text"}, *path) == value
