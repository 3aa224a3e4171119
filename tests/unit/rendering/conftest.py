from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer.rendering import RenderedTarget, render_target
from deployer.spec import Spec, load_spec

DIGEST = "sha256:" + "ab" * 32
URI = "s3://models/artifacts/sha256/" + "ab" * 32

SPEC = """\
name: iris
model: {path: ./model}
targets:
  - {name: aws, provider: aws, region: us-east-1, store: "s3://models", cluster: {context: a}}
  - {name: gcp, provider: gcp, store: "gs://models", cluster: {context: g}}
  - {name: azure, provider: azure, store: "az://models", cluster: {context: z}}
  - {name: lab, provider: kubernetes, store: "s3://models", cluster: {context: k}, namespace: ml}
  - {name: here, provider: local, store: "file:///models", cluster: {local: ./cluster}}
  - name: sandbox
    provider: aws
    store: {url: "s3://models", endpoint: "http://127.0.0.1:9000"}
    cluster: {local: ./cluster}
"""

Render = Callable[..., RenderedTarget]


@pytest.fixture
def make_spec(tmp_path: Path) -> Callable[..., Spec]:
    def make(more: str = "", *, only: str = "", listed: str = "", **patches: str) -> Spec:
        """Write and load a spec.

        ``listed`` is what it says under patches, else that names ``patches``, by file; ``only``
        takes the place of its targets.
        """
        for name, text in patches.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        file = tmp_path / "deployer.yaml"
        listed = listed or f"[{', '.join(f'{name}.yaml' for name in patches)}]"
        base = SPEC[: SPEC.index("targets:")] + only if only else SPEC
        file.write_text(f"{base}{more}patches: {listed}\n")
        return load_spec(file, environment={})

    return make


@pytest.fixture
def render(make_spec: Callable[..., Spec]) -> Render:
    def render(
        target: str = "aws",
        *,
        more: str = "",
        only: str = "",
        listed: str = "",
        release: int = 42,
        **patches: str,
    ) -> RenderedTarget:
        spec = make_spec(more, only=only, listed=listed, **patches)
        return render_target(
            spec,
            spec.target(target),
            release=release,
            artifact_digest=DIGEST,
            artifact_uri=URI,
        )

    return render


@pytest.fixture
def digest() -> str:
    return DIGEST


@pytest.fixture
def uri() -> str:
    return URI


@pytest.fixture
def find() -> Callable[[RenderedTarget, str], Any]:
    """The one object of a kind."""

    def find(rendered: RenderedTarget, kind: str) -> Any:
        [found] = [manifest for manifest in rendered.objects if manifest["kind"] == kind]
        return found

    return find
