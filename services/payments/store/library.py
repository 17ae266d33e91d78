"""Loads the ledger's functions where they are absent; never replaces them (DESIGN section 4, rule 13)."""

from __future__ import annotations

from importlib.resources import files

import redis

LIBRARY = "cho_ledger_v3"


def source() -> str:
    """The function library's text: the files of `functions/`, in the order of their names."""
    folder = files(__package__).joinpath("functions")
    parts = sorted((part for part in folder.iterdir() if part.name.endswith(".lua")), key=lambda part: part.name)
    return "".join(part.read_text(encoding="utf-8") for part in parts)


def load(client: redis.Redis) -> bool:
    """Loads the library; False where one of that name was there. Raises RuntimeError where it is another text:
    deployed functions are not edited, a change is a new version beside them."""
    known = client.function_list(library=LIBRARY, withcode=True)
    if known:
        entry = _as_dict(known[0])
        if entry["library_code"] != source():
            raise RuntimeError(f"{LIBRARY} is loaded with another text: give the change a new version")
        return False
    try:
        client.function_load(source())
    except redis.ResponseError as error:
        if "already exists" not in str(error):
            raise
        return load(client)  # another server was faster: see that it loaded the same
    return True


def _as_dict(entry: object) -> dict[str, str]:
    """FUNCTION LIST's reply is a flat list in RESP2 and a map in RESP3."""
    pairs = entry.items() if isinstance(entry, dict) else zip(entry[::2], entry[1::2], strict=True)  # type: ignore[index]
    text = lambda v: v.decode() if isinstance(v, bytes) else v  # noqa: E731
    return {text(k): text(v) for k, v in pairs}
