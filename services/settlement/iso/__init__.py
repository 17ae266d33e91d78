"""ISO 20022 messages: instructions and statements that we write, status reports that we read.

`messages.py` says which versions. docs/settlement-files.md says which message is for whom and which field carries what.
"""
