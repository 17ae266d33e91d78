"""Finding products: `words` (text and queries), `index` (an SQLite file), `feed` (keeps it up to date)."""
