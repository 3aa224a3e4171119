"""What pydantic found, in words a person can act on, with the nearest word we know."""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from deployer.spec.scalars import PATTERN_WORDS
from deployer.spec.schema import find_homes, list_keys
from deployer.spec.tree import Finding, Tree, TreePath, dig
from deployer.values import Json

__all__ = ["explain_errors", "suggest"]


def explain_errors(
    error: ValidationError, tree: Tree, written: Mapping[TreePath, str]
) -> Iterator[Finding]:
    """Yield one finding per error of ``error``.

    Args:
        tree: What was validated, before references were filled in: paths are looked up here.
        written: Texts with references; shown instead of what they gave.
    """
    for detail in error.errors(include_url=False):
        path = _written_path(detail["loc"], tree)
        shown = written.get(path, dig(tree.data, *path))
        yield _explain(detail, path, shown)


def suggest(word: str, known: Sequence[str]) -> str:
    """Return `` (did you mean X?)``, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def _written_path(loc: tuple[int | str, ...], tree: Tree) -> TreePath:
    """Drop what pydantic adds to a path that is not in the file: tags of unions, short forms."""
    path: TreePath = ()
    for step in loc:
        if (*path, step) in tree.values:
            path = (*path, step)
    return path


def _explain(detail: ErrorDetails, path: TreePath, shown: Json) -> Finding:
    kind = detail["type"]
    if kind == "missing":
        return Finding(path, f"{detail['loc'][-1]} is missing", on_key=True)
    if kind == "extra_forbidden":
        return Finding(path, _unknown_key(path), on_key=True)
    if "[key]" in detail["loc"]:
        return Finding(path, f"the key {path[-1]!r}: expected {_expected(detail)}", on_key=True)
    return Finding(path, f"expected {_expected(detail)}, got {_show(shown)}{_advice(kind, shown)}")


def _unknown_key(path: TreePath) -> str:
    key = str(path[-1])
    near = suggest(key, list_keys(path[:-1]))
    homes = find_homes(key)
    elsewhere = f"; it belongs at {homes[0]}" if homes and not near else ""
    return f"unknown key {key!r}{near or elsewhere}"


def _expected(detail: ErrorDetails) -> str:
    words = _WORDS.get(detail["type"])
    if words is None:
        return detail["msg"][:1].lower() + detail["msg"][1:]
    context = detail.get("ctx", {})
    return words(context) if callable(words) else words


def _one_of(context: Mapping[str, Json]) -> str:
    return f"one of {', '.join(_QUOTED.findall(context['expected']))}"


_QUOTED = re.compile(r"'([^']*)'")

_WORDS: Mapping[str, str | Callable[[Mapping[str, Json]], str]] = {
    "bool_type": "true or false",
    "decimal_parsing": 'an amount such as "1200 USD"',
    "decimal_type": 'an amount such as "1200 USD"',
    "dict_type": "a map of keys and values",
    "enum": _one_of,
    "finite_number": "a number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": lambda context: f"more than {context['gt']}",
    "greater_than_equal": lambda context: f"{_plain(context['ge'])} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than_equal": lambda context: f"{_plain(context['le'])} or less",
    "literal_error": _one_of,
    "model_attributes_type": "a map of keys and values",
    "model_type": "a map of keys and values",
    "string_pattern_mismatch": lambda context: PATTERN_WORDS.get(
        context["pattern"], f"something like {context['pattern']}"
    ),
    "string_too_short": "some text",
    "string_type": "a string",
    "too_short": lambda context: f"at least {context['min_length']}",
    "tuple_type": "a list",
    "value_error": lambda context: str(context["error"]).removeprefix("expected "),
}


def _plain(number: float) -> str:
    return f"{number:g}"


def _show(value: Json) -> str:
    """Return ``value`` short enough for one line."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a map" if isinstance(value, dict) else "a list" if value else "an empty list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - one line


def _advice(kind: str, value: Json) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'; put it in quotes: "{json.dumps(value)}"'
    if kind in {"int_type", "float_type", "bool_type"} and isinstance(value, str):
        return "; without quotes"
    return ""
