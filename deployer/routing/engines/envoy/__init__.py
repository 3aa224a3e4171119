"""Envoy as a data plane: a static bootstrap, and everything else in files that it watches."""
