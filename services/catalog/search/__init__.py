"""Finding products.

`question` (what is looked for), `spelling`, `synonyms` and `words` (text, and a query as FTS5 expressions), `batch` and
`index` (writing and reading an SQLite file), `feed` (keeps it up to date).
"""
