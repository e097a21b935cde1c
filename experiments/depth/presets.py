"""Published methods as choices of decider, head and mode; where ours differs, it says so."""

from collections.abc import Callable
from dataclasses import dataclass, field

from probexit.exits.depth.deciders.adainfer import AdaInfer
from probexit.exits.depth.deciders.at_random import AtRandom
from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.calibrated_entropy import CalibratedEntropy
from probexit.exits.depth.deciders.decaying import Decaying
from probexit.exits.depth.deciders.entropy import Entropy
from probexit.exits.depth.deciders.few_columns import FewColumns
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.deciders.halting import Halting
from probexit.exits.depth.deciders.max_probability import MaxProbability
from probexit.exits.depth.deciders.patience import PatienceDecider
from probexit.exits.depth.deciders.probe import ProbeDecider
from probexit.exits.depth.deciders.schedule import Schedule
from probexit.exits.depth.deciders.stop_exit_continue import StopExitContinue
from probexit.exits.depth.heads.balcony import Balcony
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.block import ExitBlock
from probexit.exits.depth.heads.own_unembedding import OwnUnembedding
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.heads.translator import Translator
from probexit.exits.depth.kv.evict import Evict
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.modes.catch_up import CatchUp
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.modes.self_speculation import SelfSpeculation
from probexit.exits.depth.modes.static import Static


@dataclass(frozen=True)
class Preset:
    """One published method, as near as this package's slots come.

    Attributes:
        source: Its paper.
        decider: Makes an unfitted decider.
        head: Makes an untrained head.
        mode: What is done when it would leave.
        differs: How it is not the paper's.
    """

    source: str
    decider: Callable[[], Decider]
    head: Callable[[], Head] = Translator
    mode: Mode = field(default_factory=Leave)
    differs: str = ""


def _static() -> Decider:
    return Schedule(deepest=0.5, shallowest=0.5)


def _first() -> Decider:
    return Schedule(deepest=0.0, shallowest=0.0)


ADAPTED = "certified, one threshold; live and adapted: `probexit depth adapt`"
PRESETS = {
    "probe-catch-up": Preset("this package", ProbeDecider, mode=CatchUp()),
    "probe-speculative": Preset("this package", ProbeDecider, mode=SelfSpeculation()),
    "free": Preset("2310.05424", Gap, PlainHead, CatchUp(), "several exits; threshold certified"),
    "dssd": Preset("2407.21082", CalibratedEntropy, mode=SelfSpeculation()),
    "layerskip": Preset("2404.16710", _first, mode=SelfSpeculation(sure=0.6), differs="frozen"),
    "calm": Preset("2207.07061", lambda: Decaying(Gap()), PlainHead, differs="backbone not tuned"),
    "adainfer": Preset(
        "2403.02181", AdaInfer, PlainHead, Static(), "fitted on prefixes; threshold certified"
    ),
    "deebert": Preset("2020.acl-main.204", Entropy, differs="its rule, on a decoder"),
    "pabee": Preset("2006.04152", PatienceDecider, differs="its rule, on a decoder"),
    "self-supervised": Preset(
        "2407.21082",
        CalibratedEntropy,
        OwnUnembedding,
        CatchUp(),
        "heads start as the model's own; threshold certified",
    ),
    "quicksilver": Preset(
        "2506.22396", Halting, PlainHead, Leave(Evict()), "no fusion of tokens, no quantisation"
    ),
    "sec": Preset(
        "2401.09964", StopExitContinue, differs="heads distilled; stop certified on its own"
    ),
    "apparate": Preset("2312.05385", MaxProbability, differs=ADAPTED),
    "balcony": Preset(
        "2503.05005", _static, Balcony, Static(), "the model's own final norm; trained briefly"
    ),
    "ee-llm": Preset("2312.04916", MaxProbability, ExitBlock, CatchUp(), "frozen; MLP exits"),
    "skipdecode": Preset("2307.02628", Schedule, differs="skips upper layers"),
    "specee": Preset("2504.08850", FewColumns, differs="candidates from the first exit"),
    "random": Preset("floor", AtRandom),
}
