"""Tables that people send, CSV and XLSX: read without trust, whatever they were written with."""
