"""A stand-in for Google Cloud Storage: the part of its JSON and XML APIs that clients write with.

Enforced as the service does: generations that never come twice, preconditions, crc32c and MD5 of
everything uploaded, resumable sessions, part sizes, paging. Not there: identity (any caller may do
anything), object versioning, ACLs, lifecycle, notifications. Objects live in memory.
"""
