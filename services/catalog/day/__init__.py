"""Market days: which markets are held on a day, and what each of their goods cost there, today and before.

A read model beside the products (collection `day_lines`): what each product cost on its last days of change, fed by the
catalog's events, bounded, and built anew from the products where it is missing.
"""
