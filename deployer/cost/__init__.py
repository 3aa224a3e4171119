"""What things cost: arithmetic over recorded prices, releases and what a month is assumed to be.

Exact decimals; sums first, rounded once by whoever shows them. What has no price is a component
without an amount and with a reason, so that nothing unknown is ever counted as free (G8).
"""
