"""`python -m tests.worker [pytest arguments]`: the worker tests, in a process of their own.

nameko needs a cooperative process, and grpc hangs in one; so these tests and all the others never share a process.
"""

import kit.streams.patch  # noqa: F401 - first: everything after it is cooperative

# isort: split
import sys
from pathlib import Path

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main([str(Path(__file__).parent), "-p", "no:xdist", *sys.argv[1:]]))
