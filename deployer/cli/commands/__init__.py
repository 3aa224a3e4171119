"""One module per verb; what a command needs is imported when it runs."""
