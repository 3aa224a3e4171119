"""Adapters: the cloud SDKs live here and nowhere else; SDKs are imported at the first call."""
