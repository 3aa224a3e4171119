"""Looking a field of a request up."""

from deployer.routing.messages import RequestHead

__all__ = ["drop_lines", "find_field"]


def find_field(head: RequestHead, name: bytes) -> bytes | None:
    """Return the value of a field by its lower-case name; None when it is not there just once.

    A field that is there twice has no value that everybody would agree on.
    """
    special = head.special.get(name)
    if special is not None:
        return special[0] if len(special) == 1 else None
    prefix = len(name)
    found = [
        line
        for line in head.lines.splitlines()
        if line[prefix : prefix + 1] == b":" and line[:prefix].lower() == name
    ]
    return found[0][prefix + 1 :].strip() if len(found) == 1 else None


def drop_lines(lines: bytes, names: tuple[bytes, ...]) -> bytes:
    """Return field lines without those that begin with one of these, in lower case."""
    kept = [one for one in lines.splitlines(keepends=True) if not one.lower().startswith(names)]
    return b"".join(kept)
