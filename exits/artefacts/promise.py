"""Check the certificate that a controller carries: what is promised, and for what."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from probexit.probes.artefacts.config import shortened

_PROMISED = ("threshold", "alpha", "delta", "losses", "calibrator", "statement")
PROMISE = (
    *_PROMISED,
    "n",
    "problems",
    "saved",
    "probing",
    "stop",
)  # the keys that speak of one threshold

Level = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=0)]


class _Decoding(BaseModel):
    """The decoding settings that were recorded."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    max_new_tokens: Annotated[int, Field(ge=1)] = 1
    temperature: Annotated[float, Field(ge=0)] = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1
    batch_size: Annotated[int, Field(ge=1)] = 1
    seed: Count = 0


class _Promise(BaseModel):
    """The keys of a certificate that mean something here; others are kept as they are."""

    model_config = ConfigDict(strict=True, extra="allow")

    threshold: float = 0
    alpha: Level = 0.5
    delta: Level | None = None
    n: Count = 0
    problems: Annotated[float, Field(ge=0)] = 0
    saved: Annotated[float, Field(ge=0, le=1)] = 0
    losses: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    calibrator: str = ""
    statement: str = ""
    loss: str = ""
    model: str = ""
    revision: str | None = None
    task: str = ""
    decoding: _Decoding = _Decoding()
    max_new_tokens: Annotated[int, Field(ge=1)] = 1


def check_promise(certificate: Mapping[str, Any], threshold: float) -> None:
    """See that a certificate is one, and that it speaks of the threshold that is deployed.

    A controller that was not calibrated promises nothing: its certificate has no statement.

    Args:
        certificate: What a controller carries.
        threshold: At which it leaves.

    Raises:
        ValueError: naming the field.
    """
    try:
        _Promise.model_validate(dict(certificate))
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("certificate", *wrong["loc"])))
        raise ValueError(f"{place} = {shortened(wrong['input'])}: {wrong['msg']}") from error
    lacking = [key for key in _PROMISED if key not in certificate]
    if "statement" in certificate and lacking:
        raise ValueError(f"certificate lacks {', '.join(lacking)}")
    if "threshold" in certificate and certificate["threshold"] != threshold:
        raise ValueError(
            f"certificate.threshold = {certificate['threshold']}, but the controller leaves at "
            f"{threshold}: calibrate it again"
        )


def without_promise(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stays true of a controller whose threshold was changed: what it was made for."""
    return {key: value for key, value in certificate.items() if key not in PROMISE}
