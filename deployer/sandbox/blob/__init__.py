"""A stand-in for Azure Blob Storage: containers and block blobs.

Enforced as the service does: the SharedKey signature of every request, or its bearer token, ETags
and If-Match / If-None-Match, MD5 of blobs and blocks, block lists (uncommitted blocks vanish with
the next commit or Put Blob, as they do there), ranges, paging. Refused with 501 rather than half
done: other blob types, leases, snapshots, tags, other copies than Put Blob From URL within the
account, SAS of anything but a copy's source. Conditions on dates and CRC64 are refused with 400.
Objects live in memory.
"""
