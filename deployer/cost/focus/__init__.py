"""Bills in the FinOps Open Cost and Usage Specification (FOCUS), versions 1.0 to 1.2.

Columns of 1.3 and 1.4 are known where they replace older ones; others are passed over. Files are
read row by row: memory does not grow with them.
"""
