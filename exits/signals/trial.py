"""What signals that look at a trial answer share: the answer must be decoded at every cue."""

from dataclasses import dataclass

from torch import Tensor

from probexit.exits.signals.base import Moment, Signal
from probexit.exits.trace import Trace


@dataclass(frozen=True)
class TrialSignal(Signal):
    """A signal read off the forced answer at the cue.

    Replay takes the recorded forced answers. Each costs the tokens that close the thinking and the
    tokens of the answer, whether or not the rule then exits.

    Attributes:
        closing: Tokens that close the thinking and start the answer.
    """

    closing: int = 0

    def cost(self, trace: Trace) -> Tensor:
        return trace.cues.answer_tokens + self.closing

    def live(self, moment: Moment) -> Tensor:
        raise ValueError(
            f"{type(self).__name__} needs a trial answer decoded at each cue, which this engine "
            "does not do: replay it over recorded traces, or attach a probe"
        )
