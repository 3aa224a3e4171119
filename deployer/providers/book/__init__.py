"""The price book that ships with the package."""
