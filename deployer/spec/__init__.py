"""``deployer.yaml``: load, check, publish its schema."""
