"""What anybody may know of who sells and who grows: a photo of the stall, a grower's name and commune.

A stall's photo here is meant to be shown. The photos that a form refers to are for its reviewer, and stay sealed.
"""
