"""Moving bytes: in parts, side by side, under one budget of memory, each byte read and proven once.

Knows ports and no cloud. The adapters drive uploads with it (`send_source`), the artifact package
reads files for several stores at once (`SharedReads`) and fetches (`fetch_file`). Nothing here
retries: the adapters' calls do.
"""

from deployer.transfer.budget import Budget
from deployer.transfer.chunk import Body
from deployer.transfer.download import Wanted, fetch_file
from deployer.transfer.journal import discard_staged, has_journal
from deployer.transfer.lanes import Lanes
from deployer.transfer.limits import Limits
from deployer.transfer.marks import Marks, mark_file
from deployer.transfer.reads import Reader, SharedReads, StoppedTransferError, open_source
from deployer.transfer.remote import RemoteSource
from deployer.transfer.upload import LOOKED_INTO, PartUpload, SentPart, send_source

__all__ = [
    "LOOKED_INTO",
    "Body",
    "Budget",
    "Lanes",
    "Limits",
    "Marks",
    "PartUpload",
    "Reader",
    "RemoteSource",
    "SentPart",
    "SharedReads",
    "StoppedTransferError",
    "Wanted",
    "discard_staged",
    "fetch_file",
    "has_journal",
    "mark_file",
    "open_source",
    "send_source",
]
