"""Statements: every account's history with its balances, read out of the books into a file of this process.

Copies only: the file can be thrown away at any time and is built again from the journal.
"""
