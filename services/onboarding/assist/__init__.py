"""Assisted onboarding: a community digital team fills the form in for a vendor, often in a hamlet without coverage.

Drafts carry ids that the device made and sync whenever there is a network, as often as they like. The vendor confirms
the finished form with a code on their own phone; without it a team member hands nothing in. Figures tell how far each
team and commune is.
"""
