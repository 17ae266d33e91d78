"""Logs: one JSON object a line on stderr, English, without personal data."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from kit.config import settings

# Of these it is not we who choose the words: an exception may quote what somebody typed.
_QUOTED = ("exception", "error")
# As long as phones, national ids and accounts are, and no part of an id of ours: "." and "-" join what is on both their
# sides, and at a sentence's end there is nothing behind them.
_NUMBER = re.compile(r"(?<!\w)(?<!\w[.-])\+?[0-9]{9,19}(?!\w|[.-]\w)")


def without_numbers(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor that takes long numbers out of quoted text: they may be a phone or an account."""
    for name in _QUOTED:
        if isinstance(said := line.get(name), str):
            line[name] = _NUMBER.sub("[number]", said)
    return line


def set_up(process: str) -> None:
    """Configures structlog and the standard library's logging for this process."""
    level = getattr(logging, settings().log_level.upper(), logging.INFO)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_numbers,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        foreign_pre_chain=shared,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def logger(name: str) -> Any:
    """A logger that names its module."""
    return structlog.get_logger(module=name)
