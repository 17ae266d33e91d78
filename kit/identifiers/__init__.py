"""Vietnam's numbers and names of people and businesses: pure rules that tell what is wrong by a stable code.

A `problem_of` answers None where nothing is wrong. No code and no message holds the value that was looked at.
"""
