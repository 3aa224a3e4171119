"""A stand-in for Amazon S3: buckets, objects, multipart uploads, by path-style addresses.

Enforced as the service does: Signature Version 4 (header and presigned), the payload's sha256,
aws-chunked bodies with their trailers, Content-MD5 and all five checksums on every way in, parts'
sizes, order and checksums, full-object and composite checksums of multipart uploads, If-Match and
If-None-Match on writes, reads, copies and completions, ranges, paging, the bucket's region. Refused
with 501 rather than half done: chunk signatures, versioning, ACLs, policies, tags, lifecycle,
customer keys. Encryption settings are kept and told, and do nothing. Objects live in memory.
"""
