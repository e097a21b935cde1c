"""Read JSON that somebody else may have written: bounded, regular files, no surprises inside."""

import json
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONGEST = 16 << 20  # bytes: grids and sweeps of fits are the longest of what is kept as JSON
DEEPEST = 60  # lists and objects inside each other
_NUMBER = "not finite"  # JSON has no infinity


def read_bytes(file: Path, longest: int) -> bytes:
    """Read a regular file of bounded length.

    Raises:
        ValueError: on a missing file, a link, a device, or more than ``longest`` bytes.
    """
    try:
        place = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        link = ", or is a link: copy the file itself there" if file.is_symlink() else ""
        raise ValueError(f"{file} cannot be read ({error.strerror}){link}") from error
    try:
        found = os.fstat(place)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{file} is no regular file: put back the one that was written")
        if found.st_size > longest:
            raise ValueError(f"{file} has {found.st_size} bytes, more than the {longest} allowed")
        with os.fdopen(place, "rb", closefd=False) as opened:
            return opened.read(longest)
    finally:
        os.close(place)


def read_json(file: Path, remedy: str, longest: int = LONGEST) -> dict[str, Any]:
    """Read a file that holds one JSON object, infinities as ``to_json`` wrote them.

    Args:
        file: The file.
        remedy: How to get an undamaged one; ends the error's sentence.
        longest: Bytes allowed.

    Raises:
        ValueError: naming the file, if it is unreadable, too long, not UTF-8, no JSON, nested too
            deeply, repeats a key, or holds NaN or half a surrogate pair.
    """
    content = read_bytes(file, longest)
    try:
        found = parse_json(content)
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}): {remedy}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file} is damaged (it holds no JSON object): {remedy}")
    return found


def parse_json(content: bytes) -> Any:
    """Parse JSON proper.

    Raises:
        ValueError: saying what is wrong with it.
    """
    text = content.decode("utf-8")
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark")
    try:
        found = json.loads(
            text, object_pairs_hook=_object, parse_float=_number, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check(found, DEEPEST)
    return found


def to_json(data: Any) -> str:
    """Write JSON that ``read_json`` reads back equal, infinities included.

    Raises:
        ValueError: on NaN, or on what JSON does not know.
    """
    return json.dumps(_finite(data), indent=2, allow_nan=False, default=_refuse) + "\n"


def canonical(data: Any) -> bytes:
    """Return the same bytes for the same data, however its file was laid out."""
    plain = _finite(data)
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_refuse
    )
    return text.encode()


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"it says {max(keys, key=keys.count)!r} twice")
    if _NUMBER not in found:
        return found
    if len(found) > 1 or found[_NUMBER] not in ("inf", "-inf"):
        raise ValueError(f"{found!r} is no number")
    return float(found[_NUMBER])


def _number(digits: str) -> float:
    if math.isinf(float(digits)):
        raise ValueError(f"{digits} is too large a number")
    return float(digits)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check(data: Any, deep: int) -> None:
    """Refuse what is too deep or no Unicode text."""
    if deep == 0:
        raise ValueError("it is nested too deeply")
    if isinstance(data, str):
        data.encode("utf-8")  # half a surrogate pair is legal JSON, but no text
    elif isinstance(data, dict):
        for key, value in data.items():
            _check(key, deep)
            _check(value, deep - 1)
    elif isinstance(data, list):
        for value in data:
            _check(value, deep - 1)


def _finite(data: Any) -> Any:
    if isinstance(data, float) and math.isinf(data):
        return {_NUMBER: str(data)}
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(item) for item in data] if isinstance(data, list | tuple) else data


def _refuse(thing: Any) -> Any:
    raise ValueError(
        f"{thing!r} cannot be saved: give a part that is a class, such as a Verifier of your own"
    )


def plain(data: Any) -> Any:
    """Return what JSON can hold: infinity is the string "inf", what is undefined is null."""
    if isinstance(data, Mapping):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [plain(item) for item in data]
    if hasattr(data, "tolist"):
        return plain(data.tolist())
    if isinstance(data, float) and not math.isfinite(data):
        return None if math.isnan(data) else "inf" if data > 0 else "-inf"
    return data if isinstance(data, str | int | float | bool | None) else str(data)
