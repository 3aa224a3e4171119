"""Notices by e-mail, through anybody's mail server."""
