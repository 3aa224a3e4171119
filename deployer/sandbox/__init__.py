"""Stand-in clouds on loopback, for demos and tests."""
