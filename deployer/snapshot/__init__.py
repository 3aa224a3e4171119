"""Reads everything a plan needs, from every target in parallel, and says what it could not read."""
