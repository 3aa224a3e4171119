"""OpenTelemetry: spans to a collector over OTLP/HTTP, by the vendor-neutral SDK."""
