"""HAProxy as a data plane: rendered, validated, reloaded only when its structure changes."""
