from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.spec import Spec
from deployer.spec.environment import expand_references

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}", "one"),
        ("x-${A}-${B}", "x-one-two"),
        ("${C:-three}", "three"),
        ("${A:-three}", "one"),
        ("${EMPTY:-three}", "three"),
        ("${EMPTY}", ""),
        ("${C:-}", ""),
        ("$${A}", "${A}"),
        ("$(A) $A {A}", "$(A) $A {A}"),
    ],
)
def test_a_reference_is_filled_in(text: str, result: str) -> None:
    expanded = expand_references([text], {"A": "one", "B": "two", "EMPTY": ""})
    assert expanded.data == [result]
    assert not expanded.findings


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${1A}", "${A-b}"])
def test_a_reference_of_another_form_is_refused(text: str) -> None:
    [finding] = expand_references({"a": text}, {"A": "one"}).findings
    assert finding.path == ("a",)
    assert "expected ${NAME}" in finding.message


def test_a_missing_variable_is_named_with_its_place(faults: Faults, small: str) -> None:
    lines = faults(small + "    namespace: ${NOWHERE}\n")
    assert lines == [
        (
            "8:16 targets[0].namespace: the environment variable NOWHERE is not set; "
            "set it, or write ${NOWHERE:-default}"
        )
    ]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "API_KEY", "HF_TOKEN", "MY_SECRET", "SORT_KEY"])
def test_nothing_is_filled_in_where_a_secret_would_be_recorded(
    faults: Faults, small: str, name: str
) -> None:
    [line] = faults(f'{small}service: {{env: {{{name}: "${{VALUE}}"}}}}\n', VALUE="hunter2")
    assert "looks like a secret" in line
    assert "secretKeyRef" in line
    assert "hunter2" not in line


def test_a_fault_never_shows_what_the_environment_holds(faults: Faults, small: str) -> None:
    [line] = faults(small.replace("provider: local", "provider: ${P}"), P="hunter2")
    assert "${P}" in line
    assert "hunter2" not in line


def test_plain_variables_may_come_from_the_environment(load: Load, small: str) -> None:
    spec = load(small + 'service: {env: {LOG_LEVEL: "${LEVEL:-info}"}}\n', LEVEL="debug")
    assert spec.service.env == {"LOG_LEVEL": "debug"}


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_a_reference_stays(text: str) -> None:
    expanded = expand_references({"a": [text]}, {})
    assert expanded.data == {"a": [text]}
    assert not expanded.written
