"""Keep trained streams on disk: one is trained once for a model, its pairs and its settings."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from probexit.exits.fingerprint import Fingerprint
from probexit.exits.inserted.preference import Pair, PreferenceTraining, learn_preferences
from probexit.exits.inserted.stream import RewardStream
from probexit.probes.artefacts.folder import read_artefact, write_artefact
from probexit.probes.artefacts.strict_json import canonical

NAME = "stream"


def trained_stream(
    model: Any, pairs: Sequence[Pair], settings: PreferenceTraining, folder: Path | None
) -> RewardStream:
    """Return a stream that has learnt from pairs, frozen, trained only if it is not kept yet.

    Each stream lies in a folder of its own, ``stream.json`` and its tensors, named by a digest of
    all that it was made from.

    Args:
        model: The frozen model.
        pairs: Better and worse responses, at least one pair.
        settings: How it is trained.
        folder: Where streams are kept; None keeps none.

    Raises:
        ValueError: without pairs, on a model of a type beside which nothing can be inserted, or on
            a kept stream that is damaged or was changed.
    """
    made_from = _made_from(model, pairs, settings)
    stream = RewardStream(model).to(model.device)
    place = None if folder is None else folder / _digest(made_from)
    if place is not None and (place / f"{NAME}.json").is_file():
        _load(stream, place, made_from)
    else:
        learn_preferences(model, stream, pairs, settings)
        if place is not None:
            write_artefact(place, NAME, made_from, stream.state_dict())
    return stream.eval().requires_grad_(False)


def _load(stream: RewardStream, place: Path, made_from: dict[str, Any]) -> None:
    remedy = f"remove {place}, and it is trained again"
    found, tensors = read_artefact(place, NAME, remedy)
    if found != made_from:
        raise ValueError(f"{place} holds a stream made from something else: {remedy}")
    try:
        stream.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{place} does not fit the model ({error}): {remedy}") from error


def _made_from(model: Any, pairs: Sequence[Pair], settings: PreferenceTraining) -> dict[str, Any]:
    fingerprint = asdict(Fingerprint.of(model)) | {"name": ""}  # where the model lies is no matter
    learnt = [[list(pair.better), list(pair.worse)] for pair in pairs]
    return {"model": fingerprint, "training": asdict(settings), "pairs": _digest(learnt)}


def _digest(data: Any) -> str:
    return hashlib.sha256(canonical(data)).hexdigest()[:16]
