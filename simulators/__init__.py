"""Banks, telecoms and a card provider to talk to, with faults on demand. None is built yet."""
