"""From a spec to Kubernetes objects: base, runtime and overlay, merged by key.

Pure but for reading the library's files.
"""
