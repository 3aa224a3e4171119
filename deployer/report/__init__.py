"""What it costs and how it does: pure rows, then table, JSON."""
