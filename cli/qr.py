"""`cho qr`: read payment codes, one payload a line, one JSON object a line."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from kit.qr import QrError, decode

LINE_LENGTH_MAX = 4096  # bytes; the longest payload is 512 characters, so 2 KiB

app = typer.Typer(help="Payment codes (EMVCo, VietQR).", no_args_is_help=True)

Files = Annotated[
    list[Path] | None,
    typer.Argument(exists=True, dir_okay=False, readable=True, help="Files of payloads; else standard input."),
]


@app.callback()
def qr() -> None:
    """Payment codes (EMVCo, VietQR)."""


@app.command("decode")
def decode_lines(files: Files = None) -> None:
    """Answer every payload with {"ok", "fields", "warnings", "error"}; exit status 1 if one was not ok."""
    all_ok = True
    with ExitStack() as stack:
        opened: list[BinaryIO] = [stack.enter_context(path.open("rb")) for path in files or []]
        for source in opened or [sys.stdin.buffer]:
            for line in _lines(source):
                answer = _answer(line)
                all_ok = all_ok and answer["ok"]
                sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                sys.stdout.buffer.flush()
    raise typer.Exit(0 if all_ok else 1)


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Lines without their ends; of an overlong one its beginning, one byte over the limit."""
    while line := source.readline(LINE_LENGTH_MAX + 1):
        rest = line
        while len(rest) > LINE_LENGTH_MAX and not rest.endswith(b"\n"):
            rest = source.readline(LINE_LENGTH_MAX + 1)
        yield line.removesuffix(b"\n").removesuffix(b"\r")


def _answer(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_LENGTH_MAX:
        return _refusal("QR_TOO_LONG", f"line is longer than {LINE_LENGTH_MAX} bytes")
    try:
        decoded = decode(line.decode())
    except UnicodeDecodeError:
        return _refusal("QR_NOT_UTF8", "line is not UTF-8 text")
    except QrError as error:
        return _refusal(error.code, str(error))
    return {"ok": True, "fields": decoded.fields, "warnings": decoded.warnings, "error": None}


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"ok": False, "fields": {}, "warnings": [], "error": {"code": code, "message": message}}
