"""Parameters as Stripe takes them: forms whose names nest in brackets, `metadata[order]=7&expand[]=charge`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from simulators.card.errors import ApiError, invalid

FIELDS_MAX = 200
DEPTH_MAX = 4
TEXT_LENGTH_MAX = 5_000
METADATA_KEYS_MAX, METADATA_KEY_LENGTH_MAX, METADATA_VALUE_LENGTH_MAX = 50, 40, 500

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INTEGER = re.compile(r"-?[0-9]{1,18}")

Form = dict[str, Any]


def parse(text: str) -> Form:
    """The form as nested dicts of strings; a list is a dict with the keys "0", "1", ... Raises ApiError."""
    form: Form = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError as error:
        raise ApiError(400, f"The form cannot be read: {error}") from error
    for name, value in pairs:
        found = _NAME.fullmatch(name)
        steps = [found[1], *found[2][1:-1].split("][")] if found and found[2] else [found[1]] if found else []
        if not 1 <= len(steps) <= DEPTH_MAX:
            raise invalid(name[:100], f"Invalid parameter name: {name[:100]}")
        _put(form, steps, value)
    return form


def _put(form: Form, steps: list[str], value: str) -> None:
    inner = form
    for step in steps[:-1]:
        inner = inner.setdefault(step, {})
        if not isinstance(inner, dict):
            raise invalid(steps[0], f"Invalid parameter: {steps[0]} is both a value and an object", "parameter_invalid")
    last = steps[-1] or str(len(inner))
    if isinstance(inner.get(last), dict):
        raise invalid(steps[0], f"Invalid parameter: {steps[0]} is both a value and an object", "parameter_invalid")
    inner[last] = value


class Params:
    """A request's parameters, taken one by one; `end` refuses those that nobody asked for, as Stripe does."""

    def __init__(self, form: Form) -> None:
        self._left = dict(form)

    def text(self, name: str, default: str = "") -> str:
        """Raises ApiError where it is no plain text, too long, or holds control characters."""
        value = self._left.pop(name, default)
        if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX or re.search(r"[\x00-\x1f\x7f]", value):
            raise invalid(name, f"Invalid string: {name}")
        return value

    def one_of(self, name: str, allowed: tuple[str, ...], default: str = "") -> str:
        value = self.text(name, default)
        if value != default and value not in allowed:
            raise invalid(name, f"Invalid {name}: must be one of {', '.join(allowed)}")
        return value

    def integer(self, name: str, default: int | None = None) -> int | None:
        if name not in self._left:
            return default
        value = self.text(name)
        if not _INTEGER.fullmatch(value):
            raise invalid(name, f"Invalid integer: {value[:100]}", "parameter_invalid_integer")
        return int(value)

    def flag(self, name: str) -> bool:
        return self.one_of(name, ("true", "false"), "false") == "true"

    def texts(self, name: str) -> list[str]:
        """A list."""
        values = self.table(name)
        if any(not re.fullmatch(r"[0-9]{1,3}", key) for key in values):
            raise invalid(name, f"Invalid array: {name}")
        return [str(value) for _, value in sorted(values.items(), key=lambda item: int(item[0]))]

    def table(self, name: str) -> Mapping[str, str]:
        """An object of strings."""
        value = self._left.pop(name, {})
        if not isinstance(value, dict) or any(not isinstance(inner, str) for inner in value.values()):
            raise invalid(name, f"Invalid object: {name}")
        return value

    def metadata(self) -> dict[str, str]:
        """Within Stripe's limits; a key with an empty value is not kept."""
        given = self.table("metadata")
        too_long = any(
            len(key) > METADATA_KEY_LENGTH_MAX or len(value) > METADATA_VALUE_LENGTH_MAX for key, value in given.items()
        )
        if too_long or len(given) > METADATA_KEYS_MAX:
            raise invalid("metadata", "Metadata has at most 50 keys of 40 characters with values of 500")
        return {key: value for key, value in given.items() if value}

    def end(self) -> None:
        """Raises ApiError where a parameter is left."""
        if self._left:
            name = min(self._left)
            raise invalid(name, f"Received unknown parameter: {name}", "parameter_unknown")
