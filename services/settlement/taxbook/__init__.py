"""What a household business has to know for its taxes: sales by tax code and year, and the law's thresholds.

Sales come out of the books, through the same file that statements are read from; which merchants are one tax code is
what onboarding tells. What was paid in cash is not in it: nobody told us.
"""
