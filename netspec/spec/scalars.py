"""Scalars by the YAML 1.2 core rules, and what a writer probably meant by others.

PyYAML resolves by YAML 1.1 (``010`` is 8, ``12:30:45`` is 45045, ``1e-3`` is
text), so its resolver is never asked: only the text and whether it was quoted.
"""

from __future__ import annotations

import math
import re

Plain = int | float | bool | str | None

_WORDS: dict[str, bool | float | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".nan": math.nan,
    ".NaN": math.nan,
    ".NAN": math.nan,
}
_INT = re.compile(r"[-+]?[0-9]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_OCT = re.compile(r"0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INF = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
MAX_DIGITS = 400  # int("9" * 10**6) takes minutes' worth of work; no field takes 400 digits


def resolve(text: str, quoted: bool = False) -> Plain:
    """Return what ``text`` is by YAML 1.2 core: int, float, bool, None, else the text.

    A leading zero (``010``) is left as text: the core rules say 10, YAML 1.1
    says 8, so neither reading is safe and `meaning` explains it.
    """
    if quoted:
        return text
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if not (first.isascii() and (first.isdigit() or first in "-+.")) or len(text) > MAX_DIGITS:
        return text
    return _number(text)


def _number(text: str) -> int | float | str:
    if _INT.fullmatch(text):
        digits = text.lstrip("+-")
        return text if len(digits) > 1 and digits[0] == "0" else int(text)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _OCT.fullmatch(text):
        return int(text[2:], 8)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INF.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    return text


_BOOLEANS = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(?:[_,' ][0-9]{3})+|[-+]?[0-9]+(?:_[0-9]+)+")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_SEXAGESIMAL = re.compile(r"[0-9]+(?::[0-9]{1,2})+(?:\.[0-9]*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*")
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_PERCENT = re.compile(r"([-+]?[0-9.]+)\s*%")
_FRACTION = re.compile(r"([-+]?[0-9.]+)\s*/\s*([0-9.]+)")
_UNIT = re.compile(r"([-+]?[0-9][0-9.]*(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ%/]+)")
_SPECIAL = {"nan": ".nan", "inf": ".inf", "-inf": "-.inf", "infinity": ".inf", "+inf": ".inf"}
_BYTES = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def boolean_meant(text: str) -> str | None:
    """Return ``true`` or ``false`` when ``text`` is a boolean of YAML 1.1 or a badly cased one."""
    low = text.lower()
    return low if low in ("true", "false") else _BOOLEANS.get(low)


def number_meant(text: str) -> tuple[str, str | None] | None:
    """Return what an unquoted ``text`` looks like and the number to write, None if unlike a number.

    The first item ends the sentence "`010` is ..."; the second, when it can be
    told, is what to type.
    """
    if _LEADING_ZERO.fullmatch(text):
        what = "written with a leading zero (octal to some readers, decimal to others)"
        return what, str(int(text)) if len(text) <= MAX_DIGITS else None
    for pattern, what, separators in (
        (_GROUPED, "a number with separators between its digits", "_,' "),
        (_COMMA, "a number with a decimal comma", None),
    ):
        if pattern.fullmatch(text):
            plain = text.replace(",", ".") if separators is None else re.sub(f"[{separators}]", "", text)
            return what, plain
    if _SEXAGESIMAL.fullmatch(text):
        return "a time (YAML 1.1 would have read it in base 60)", None
    if _DATE.fullmatch(text):
        return "a date", None
    return _with_unit(text)


def _with_unit(text: str) -> tuple[str, str | None] | None:
    low = text.lower()
    if low in _SPECIAL:
        return "the name of a special value", _SPECIAL[low]
    if match := _PERCENT.fullmatch(text):
        value = resolve(match[1])
        good = isinstance(value, int | float)
        return "a percentage", shortest(float(value) / 100) if good else None  # type: ignore[arg-type]
    if match := _FRACTION.fullmatch(text):
        return "a fraction", f'"${{{match[1]} / {match[2]}}}"'
    if match := _UNIT.fullmatch(text):
        return f"a number with the unit `{match[2]}`", _in_plain_numbers(match[1], match[2].lower())
    return None


def _in_plain_numbers(number: str, unit: str) -> str | None:
    value = resolve(number)
    if not isinstance(value, int | float):
        return None
    factor = _BYTES.get(unit[0]) if unit in ("k", "m", "g", "t", "kb", "mb", "gb", "tb", "kib", "mib", "gib") else 1
    return shortest(value * (factor or 1)) if factor != 1 else number


def shortest(value: int | float) -> str:
    """Return the shortest text that reads back as the same number (``1e-05`` is ``1e-5``, ``2.0`` is ``2``)."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else (".inf" if value > 0 else "-.inf")
    text = repr(value)
    mantissa, letter, exponent = text.partition("e")
    if mantissa.endswith(".0"):
        mantissa = mantissa[:-2]
    return f"{mantissa}e{int(exponent)}" if letter else mantissa
