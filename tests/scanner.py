"""Reads a QR code off a picture, as apps of banks do: by a program that is not ours, and nothing but QR codes.

A reader of everything takes one code in a hundred for a linear one (ITF) as well, at some number in the payload.
"""

import zxingcpp
from PIL.Image import Image

QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])


def scan(picture: Image) -> zxingcpp.Barcode:
    """The one QR code that is on the picture; an AssertionError where there is none, or a second."""
    found = zxingcpp.read_barcodes(picture.convert("L"), formats=QR)
    assert len(found) == 1, [barcode.text for barcode in found]
    return found[0]
