"""Checks that a line is in a report: python check_proof.py PROOF.json ROOT LINES (both from the signed manifest)."""

import hashlib
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    proof, root, last = json.load(file), sys.argv[2], int(sys.argv[3]) - 1
here, found = proof["index"], hashlib.sha256(b"\x00" + proof["line"].encode()).digest()
good = proof["size"] == last + 1 and 0 <= here <= last
for sibling in map(bytes.fromhex, proof["siblings"]):
    good = good and last > 0
    left = here % 2 == 1 or here == last
    found = hashlib.sha256(b"\x01" + (sibling + found if left else found + sibling)).digest()
    while left and here > 0 and here % 2 == 0:
        here, last = here // 2, last // 2
    here, last = here // 2, last // 2
good = good and last == 0 and found.hex() == root.lower()
print("in the report:" if good else "NOT in the report:", proof["line"])
sys.exit(0 if good else 1)
