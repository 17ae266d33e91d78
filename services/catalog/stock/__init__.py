"""Stock by lot, what is set aside of it for orders, and what was sold.

A product's document holds its lots and what is set aside of them (`shelf.py`), so that each change is one conditional
write of one document, its event included. An order's reservation (`reservation.py`) is a document of its own, written
before anything is taken and judged by its state: whoever finds a crash's remains, a second call or the worker, knows
from it whether to go on or to give back.
"""
