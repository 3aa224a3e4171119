from dataclasses import replace
from typing import Any

from deployer.errors import IntegrityError
from deployer.upkeep import check_artifacts, mend_artifacts

AWS, GCP, AZURE = "memory://aws", "memory://gcp", "memory://azure"


def states(yard: Any, *, deep: bool = False) -> list[str]:
    return [one.state for one in check_artifacts(yard.upkeep, deep=deep)[1]]


def test_a_missing_and_a_damaged_file_come_from_another_store(yard: Any) -> None:
    digest = yard.push("model")
    yard.record(1, digest)
    yard.stores[AWS].delete(yard.key(digest))
    yard.stores[GCP].put(yard.key(digest, "config.json"), b"[]")
    assert states(yard) == ["damaged", "damaged", "good"]
    _, mended = mend_artifacts(yard.upkeep, deep=False)
    assert [one.repaired.files for one in mended if one.repaired] == [
        ("weights",),
        ("config.json",),
        (),
    ]
    assert states(yard, deep=True) == ["good", "good", "good"]


def test_damage_that_the_store_does_not_know_of_is_found_by_reading(yard: Any) -> None:
    digest = yard.push("model")
    yard.record(1, digest)
    key = yard.key(digest)
    good = yard.stores[AWS].get(key)
    yard.stores[AWS].put(key, b"x" * good.info.size)
    yard.flaky[AWS].alter = lambda info: info if info.key != key else good.info
    assert states(yard) == ["good", "good", "good"]
    yard.flaky[AWS].alter = lambda info: info
    assert states(yard, deep=True) == ["damaged", "good", "good"]
    mend_artifacts(yard.upkeep, deep=True)
    assert yard.stores[AWS].get(key).body == good.body


def test_a_copy_of_which_only_sizes_were_compared_is_not_called_good(yard: Any) -> None:
    digest = yard.push("model")
    yard.record(1, digest)
    yard.flaky[AWS].alter = lambda info: replace(info, checksums={})
    assert states(yard) == ["complete", "good", "good"]
    assert states(yard, deep=True) == ["good", "good", "good"]
    shallow, deep = (mend_artifacts(yard.upkeep, deep=deep)[1] for deep in (False, True))
    assert {one.state for one in shallow} == {"complete"}
    assert {one.state for one in deep} == {"good"}


def test_an_artifact_that_is_gone_comes_back_whole(yard: Any) -> None:
    digest = yard.push("model", GCP, AZURE)
    yard.record(1, digest)
    _, mended = mend_artifacts(yard.upkeep, deep=False)
    assert mended[0].repaired is not None
    assert (mended[0].repaired.marker, len(mended[0].repaired.files)) == (True, 2)
    assert yard.keys(AWS) == yard.keys(GCP)


def test_no_file_is_replaced_by_a_damaged_one(yard: Any) -> None:
    digest = yard.push("model")
    yard.record(1, digest)
    for url in (GCP, AZURE):
        yard.stores[url].put(yard.key(digest), b"damaged")
    yard.stores[AWS].delete(yard.key(digest))
    _, mended = mend_artifacts(yard.upkeep, deep=False)
    assert [type(one.error) for one in mended] == [IntegrityError] * 3
    notes = mended[0].error.__notes__ if mended[0].error else []
    assert [note.partition(":")[0] for note in notes] == ["nor from memory"] * 2


def test_what_no_release_expects_is_checked_but_not_brought(yard: Any) -> None:
    yard.push("model", AWS)
    assert states(yard) == ["good"]
    assert mend_artifacts(yard.upkeep, deep=False)[1] == []


def test_a_store_that_does_not_answer_is_unknown(yard: Any) -> None:
    digest = yard.push("model")
    yard.record(1, digest)
    yard.flaky[AZURE].down = True
    survey, verdicts = check_artifacts(yard.upkeep, deep=False)
    assert set(survey.unknown) == {AZURE}
    assert [one.state for one in verdicts] == ["good", "good"]
