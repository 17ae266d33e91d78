"""What other sales floors are told of our goods: whole or what has changed since, in their own formats.

Read from the search index of the serving process, which is seconds behind a change; nothing is stored for it.
"""
