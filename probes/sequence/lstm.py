"""The LSTM of Learn-to-Stop (arXiv 2506.02536, section 3.3)."""

from dataclasses import dataclass

from torch import nn

from probexit.probes.sequence.recurrent import Recurrent


@dataclass
class LSTM(Recurrent):
    """One LSTM layer."""

    def layer(self, d: int) -> nn.Module:
        return nn.LSTM(d, self.units, batch_first=True)
