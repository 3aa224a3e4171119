"""From a spec and a snapshot to typed steps. Pure: no I/O, no clock."""
