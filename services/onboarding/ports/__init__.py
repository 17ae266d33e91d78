"""What others would be asked in earnest: a watch list and banks (a virus scanner, a place for files: kit.uploads).

Each is a small protocol with a default that works on one machine and says what it is.
"""
