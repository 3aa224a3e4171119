"""From a spec to Kubernetes objects: base, runtime and overlay, merged by key.

Pure but for reading the library's files and the spec's patches.
"""

from deployer.rendering.preview import preview_targets
from deployer.rendering.render import RenderedTarget, content_objects, render_target
from deployer.rendering.text import format_yaml

__all__ = ["RenderedTarget", "content_objects", "format_yaml", "preview_targets", "render_target"]
