"""Proof: what of settlement is signed, and how whoever gets it checks it without trusting us."""
