"""Bulk edit: a stall's products as a spreadsheet that is taken out, changed, checked row by row, and carried out.

Checking changes nothing and notes, of every row, what it would change and what stands there now. Carrying out is the
worker's: a row that is tried again after a crash finds that it is done, and one whose product somebody has changed
since is left alone.
"""
