"""One machine: a folder as object store, processes as cluster, memory twins for tests."""
