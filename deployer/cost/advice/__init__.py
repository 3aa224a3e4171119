"""What could cost less: each proposal with its saving, its doubts, and what would change it; pure.

Limits: discounts, commitments and taxes are not known. A saving is of list prices, a month of
730 h, at the replicas that run now.
"""
