from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from deployer.spec.faults import explain_errors, suggest
from deployer.spec.tree import parse_trees


class Unknown(BaseModel):
    when: date


def test_a_fault_without_words_of_ours_keeps_those_of_the_validator() -> None:
    [tree] = parse_trees("when: soon\n", file=Path("x"))
    with pytest.raises(ValidationError) as caught:
        Unknown.model_validate(tree.data)
    [finding] = explain_errors(caught.value, tree, {})
    assert finding.path == ("when",)
    assert finding.message.startswith("expected input should be a valid date")


def test_only_a_near_word_is_suggested() -> None:
    assert suggest("targts", ["targets", "model"]) == " (did you mean targets?)"
    assert suggest("something", ["targets", "model"]) == ""
