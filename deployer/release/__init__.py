"""What was deployed: records, the state store by majority, history, journal, lease."""
