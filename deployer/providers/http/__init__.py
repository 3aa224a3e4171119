"""Plain HTTP: the probe that health checks and gates use on every cloud."""
