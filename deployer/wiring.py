"""The only place that names adapters; imports them on demand."""
