"""QR payment codes: EMVCo merchant-presented mode, VietQR and our own template.

`encode` writes strictly, `decode` reads tolerantly and is never silently wrong; `kit.qr.image` draws.
"""

from kit.qr.emv import QrError
from kit.qr.names import fold_name, shorten_name
from kit.qr.reader import Decoded, decode
from kit.qr.writer import QrCode, encode

__all__ = ["Decoded", "QrCode", "QrError", "decode", "encode", "fold_name", "shorten_name"]
