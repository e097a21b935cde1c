"""Check the configuration of a class against the types of its fields, strictly."""

import json
import math
from dataclasses import fields
from typing import Any, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from probexit.probes.artefacts.strict_json import to_json

LARGEST = 2**63 - 1  # what a seed or a count may be
_STRICT = ConfigDict(strict=True, allow_inf_nan=True, arbitrary_types_allowed=True)


def configured(cls: type[Any], config: Any, where: str) -> dict[str, Any]:
    """Check a class's whole configuration, of plain fields only, and return it.

    Raises:
        ValueError: as ``known_fields`` and ``plain_value``.
    """
    hints = known_fields(cls, config, where)
    return {
        name: plain_value(hint, config[name], f"{where}.{name}") for name, hint in hints.items()
    }


def known_fields(cls: type[Any], config: Any, where: str) -> dict[str, Any]:
    """Return the type of each field that the dataclass ``cls`` is made from.

    Raises:
        ValueError: if ``config`` is no object, or does not hold exactly these fields.
    """
    if not isinstance(config, dict):
        raise ValueError(f"{where} must hold the fields of {cls.__name__}, not {shortened(config)}")
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls) if field.init]
    for word, odd in (("lacks", set(names) - set(config)), ("knows no", set(config) - set(names))):
        if odd:
            raise ValueError(f"{where}: {cls.__name__} {word} {', '.join(sorted(odd))}")
    return {name: hints[name] for name in names}


def plain_value(hint: Any, value: Any, where: str) -> Any:
    """Check one value of a plain type: numbers, texts, flags, and lists of them.

    Whole numbers are counts, places or seeds and at least 0.

    Raises:
        ValueError: naming the field and the type it must have.
    """
    if type(value) is float and math.isinf(value) and hint is float:
        return value  # "never", "no limit"
    if get_origin(hint) is dict and isinstance(value, dict):
        return value  # whoever holds it knows what may stand there
    try:
        found = TypeAdapter(hint, config=_STRICT).validate_json(to_json(value))
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        place = "".join(f"[{part}]" for part in wrong["loc"])
        raise ValueError(f"{where}{place} = {shortened(value)}: {wrong['msg']}") from error
    for number in _numbers(found):
        if type(number) is int and not 0 <= number <= LARGEST:
            raise ValueError(f"{where} = {shortened(value)}: {number} must be in 0 .. {LARGEST}")
    return found


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in _numbers(item)]
    if isinstance(value, list | tuple):
        return [number for item in value for number in _numbers(item)]
    return [value]


def shortened(value: Any) -> str:
    """Show a value of a file in an error's sentence."""
    text = json.dumps(value, default=repr)
    return text if len(text) < 80 else text[:77] + "..."
