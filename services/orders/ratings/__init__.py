"""Ratings: what buyers say of orders that they paid for and have in hand, and what stalls answer.

Owns ratings, one an order, and keeps a copy of people's masked names (identity:events, group `orders.people`).
Publishes nothing. What stalls and products come to is counted from the ratings themselves; docs/ratings.md tells it to
people.
"""
