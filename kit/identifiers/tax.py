"""Tax codes: ten digits of an enterprise, thirteen of its branch, twelve of a person or household.

Ten: the last is a check digit over the first nine (Circular 105/2020/TT-BTC, annex 1), and a remainder of 0 was never
issued. Thirteen: the enterprise's ten and 001 to 999. Twelve: from July 2025 a person's citizen number is the tax code
of the person and of the household business (Circular 86/2024/TT-BTC, article 5).
"""

from __future__ import annotations

import re

from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.vn import mst

from kit.identifiers import citizen

_FORM = re.compile(r"[0-9]{10}(?:-?[0-9]{3})?|[0-9]{12}")


def normalise(text: str) -> str:
    """Without spaces; a branch's with its dash: "0100109106-001". What is none stays as it is."""
    text = text.strip().replace(" ", "")
    # The library takes dots, dashes anywhere and digits of other scripts for what they are not.
    if _FORM.fullmatch(text) is None or len(text) == 12:
        return text
    digits = text.replace("-", "")
    return digits if len(digits) == 10 else f"{digits[:10]}-{digits[10:]}"


def problem_of(text: str) -> str | None:
    """TAX_CODE_FORM, TAX_CODE_CHECK (the check digit), or where it is a person's, what is wrong with the number."""
    code = normalise(text)
    if _FORM.fullmatch(code) is None:
        return "TAX_CODE_FORM"
    if len(code) == 12:
        return citizen.problem_of(code)
    try:
        mst.validate(code)
    except InvalidChecksum:
        return "TAX_CODE_CHECK"
    except ValidationError:
        return "TAX_CODE_FORM"
    return None


def is_personal(code: str) -> bool:
    """Whether it is a person's citizen number, and so personal data."""
    return len(normalise(code)) == 12
