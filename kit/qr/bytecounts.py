"""Codes of writers that counted UTF-8 bytes where EMVCo 4.4.1.1 counts characters."""

from kit.qr.emv import DataObject, QrError, parse, write


def recount(payload: str) -> str | None:
    """The payload with lengths in characters, if its lengths hold throughout as byte counts; else None."""
    one_character_a_byte = payload.encode().decode("latin-1")
    try:
        root = parse(one_character_a_byte)
        if not root or list(root)[-1] != "63":
            return None
        return "".join(_recounted(item) for item in root.values())
    except (QrError, UnicodeDecodeError):
        return None


def _recounted(item: DataObject) -> str:
    if not _is_template(item.id):
        return write(item.id, _text(item.value))
    children = parse(item.value, f"template {item.id}", item.value_position)
    return write(item.id, "".join(write(child.id, _text(child.value)) for child in children.values()))


def _is_template(tag: str) -> bool:
    return "26" <= tag <= "51" or tag in ("62", "64")


def _text(value: str) -> str:
    return value.encode("latin-1").decode()
