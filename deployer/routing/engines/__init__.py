"""HAProxy and Envoy as data planes: configuration, supervision, and what they can't do."""
