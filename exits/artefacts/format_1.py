"""Read the controllers of format 1, which named classes by the modules where they then stood.

The table says what each of those is called today. It is fixed: no module is imported because a file
names it, and files may move without a saved controller noticing.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from probexit.exits.artefacts.families import REGISTRY
from probexit.probes.artefacts.config import shortened
from probexit.probes.stored import read_probe

_MEMBERS = {  # family: (package, "module:class, which kept a member of this name")
    "probe": (
        "probexit.probes",
        "discriminant:Discriminant logistic:Logistic mean_difference:MeanDifference "
        "mlp:MLP principal:Principal random_direction:RandomDirection",
    ),
    "sequence": (
        "probexit.probes.sequence",
        "adapting:Adapting gru:GRU lstm:LSTM ridge:Ridge",
    ),
    "cues": (
        "probexit.hooks.cues",
        "every_k:EveryK hesitation:Hesitation paragraph:Paragraph reflection:Reflection "
        "self_verification:SelfVerification sentence:Sentence union:Union",
    ),
    "signal": (
        "probexit.exits.signals",
        "certain_run:CertainRun closing_confidence:ClosingConfidence completion:Completion "
        "confidence_dynamics:ConfidenceDynamics deer:DeerArithmetic "
        "deer_geometric:DeerGeometric end_margin:EndMargin end_of_thinking:EndOfThinking "
        "entropy_cusum:EntropyCusum entropy_variance:EntropyVariance "
        "group_confidence:GroupConfidence hedging:HedgingDensity momentum:MomentumRatio "
        "novel_leaf:NovelLeaf position:Position prefix_probe:PrefixProbe probe:ProbeSignal "
        "random_score:RandomScore run_jump:RunJump run_length:RunLength "
        "sequence:SequenceSignal stated_run:StatedRun step_probe:StepProbe "
        "trial_confidence:TrialConfidence votes:Votes",
    ),
    "policy": (
        "probexit.exits.policies",
        "budget:Budget majority:Majority never:Never patience:Patience smoothed:Smoothed "
        "threshold:Threshold",
    ),
    "verifier": (
        "probexit.exits.verifiers",
        "function:FromFunction language_model:LanguageModel stated_answer:StatedAnswer",
    ),
    "decider": (
        "probexit.exits.depth.deciders",
        "adainfer:AdaInfer at_random:AtRandom calibrated_entropy:CalibratedEntropy "
        "decaying:Decaying entropy:Entropy few_columns:FewColumns gap:Gap "
        "max_probability:MaxProbability oracle:Oracle patience:Patience probe:ProbeDecider "
        "saturation:Saturation schedule:Schedule stop_exit_continue:StopExitContinue",
    ),
    "head": (
        "probexit.exits.depth.heads",
        "block:ExitBlock plain:PlainHead translator:Translator",
    ),
    "kv": (
        "probexit.exits.depth.kv",
        "evict:Evict propagate:Propagate",
    ),
    "mode": (
        "probexit.exits.depth.modes",
        "catch_up:CatchUp full:Full layer_set_drafts:LayerSetDrafts leave:Leave "
        "self_speculation:SelfSpeculation shadow:Shadow",
    ),
}
_NAMES = {
    f"{package}.{word}": f"{family}:{word.partition(':')[0]}"
    for family, (package, words) in _MEMBERS.items()
    for word in words.split()
}
PROBE_1 = r"probe(-\d{1,3})?"  # the folders of probes
_RECORDS = ("probexit.hooks.think_tags:ThinkTags", "probexit.exits.depth.rule:ExitRule")


def renewed(data: Any, folder: Path, tensors: dict[str, Tensor], path: str) -> Any:
    """Return a part of format 1 as format 2 writes it; tensors of its probes are added to those.

    Raises:
        ValueError: naming the place of a class that is no member.
    """
    if isinstance(data, list):
        return [renewed(item, folder, tensors, f"{path}[{i}]") for i, item in enumerate(data)]
    if not isinstance(data, dict):
        return data
    if set(data) == {"float"} and data["float"] in ("inf", "-inf"):
        return float(data["float"])
    if "probe" in data:
        return _probe(data, folder, tensors, path)
    if set(data) != {"class", "config"} or not isinstance(data["config"], dict):
        raise ValueError(f"{path} must hold class and config, not {shortened(data)}")
    config = dict(_fields(data["config"], folder, tensors, path))
    if data["class"] in _RECORDS:
        return config
    return {"member": _name(data["class"], path), "config": config}


def _fields(
    config: dict[str, Any], folder: Path, tensors: dict[str, Tensor], path: str
) -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        yield name, renewed(value, folder, tensors, f"{path}.{name}")


def _probe(data: Any, folder: Path, tensors: dict[str, Tensor], path: str) -> Any:
    """Read a probe of a reasoning controller, which had a folder of its own."""
    place = data.get("folder", "probe")
    if not isinstance(place, str) or not re.fullmatch(PROBE_1, place):
        raise ValueError(
            f"{path} keeps a probe in {shortened(place)}: it was not written by probexit"
        )
    if (folder / place).is_symlink():
        raise ValueError(f"{folder / place} is a link: copy the folder itself there")
    name, config, state = read_probe(folder / place)
    if name != _name(data["probe"], path):
        raise ValueError(f"{path} names {data['probe']!r}, but {folder / place} holds a {name}")
    tensors.update({f"{path}/{key}": tensor for key, tensor in state.items()})
    return {"member": name, "config": config}


def _name(path_1: Any, path: str) -> str:
    """Return today's ``family:name`` of a class, or of an imported one of the user's own."""
    if str(path_1) in _NAMES:
        return _NAMES[str(path_1)]
    own = REGISTRY.own(str(path_1))
    if own is None:
        raise ValueError(
            f"{path} uses {shortened(path_1)}, which is no member of a family of probexit: if it "
            "is one of yours, import its module first"
        )
    return REGISTRY.name_of(own)
