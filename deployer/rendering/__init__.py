"""From a spec to Kubernetes objects: base, runtime and overlay, merged by key.

Pure but for reading the library's files.
"""

from deployer.rendering.render import RenderedTarget, content_objects, render_target

__all__ = ["RenderedTarget", "content_objects", "render_target"]
