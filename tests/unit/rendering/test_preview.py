from collections.abc import Callable

import pytest

from deployer.errors import SourceError, SpecError
from deployer.rendering import preview_targets
from deployer.spec import Spec

MakeSpec = Callable[..., Spec]


def test_every_target_is_shown_under_its_name(make_spec: MakeSpec, digest: str) -> None:
    text = preview_targets(make_spec(), only=None, release=7, digest=digest)
    assert "# target aws, release 7\n---\n" in text
    assert "# target here, release 7\n---\n" in text
    assert "gs://models/artifacts/sha256/abab" in text


def test_one_target_alone_can_be_shown(make_spec: MakeSpec, digest: str) -> None:
    text = preview_targets(make_spec(), only="gcp", release=1, digest=digest)
    assert "# target gcp" in text
    assert "# target aws" not in text


def test_a_target_that_is_not_there_is_refused(make_spec: MakeSpec, digest: str) -> None:
    with pytest.raises(SourceError, match=r"'azur' \(did you mean azure\?\)"):
        preview_targets(make_spec(), only="azur", release=1, digest=digest)
    with pytest.raises(SourceError, match="there are aws, gcp"):
        preview_targets(make_spec(), only="xyz", release=1, digest=digest)


def test_without_a_digest_the_model_is_read(make_spec: MakeSpec, digest: str) -> None:
    spec = make_spec()
    with pytest.raises(SourceError):
        preview_targets(spec, only="gcp", release=1, digest=None)
    spec.locate("model").mkdir()
    spec.locate("model/model.joblib").write_bytes(b"x")
    text = preview_targets(spec, only="gcp", release=1, digest=None)
    assert digest not in text
    assert "deployer/artifact: sha256:" in text


def test_a_model_the_runtime_cannot_serve_is_refused(make_spec: MakeSpec) -> None:
    spec = make_spec()
    spec.locate("model").mkdir()
    spec.locate("model/model.onnx").write_bytes(b"x")
    with pytest.raises(SpecError, match="not onnx"):
        preview_targets(spec, only="gcp", release=1, digest=None)


def test_a_digest_must_be_one(make_spec: MakeSpec) -> None:
    with pytest.raises(SourceError, match="not a sha256"):
        preview_targets(make_spec(), only=None, release=1, digest="latest")
