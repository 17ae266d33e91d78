"""Trouble on purpose, while a market day goes on: kills, pauses, a bad network, a gateway that delays and refuses."""
