"""Bulk onboarding: a whole market from a spreadsheet.

A file (CSV or XLSX, at most 10,000 rows) is sent in parts, read and checked row by row by the worker (the dry run), and
on demand every good row is submitted as a merchant that waits for review: never active, and never approved by who sent
the file. A row's merchant id follows from what the row says, so a file, or a row in another file, does nothing twice.
"""
