"""The model's files as a content-addressed tree: scan, push, pull, verify.

Knows `ObjectStore` and nothing of clouds.
"""
