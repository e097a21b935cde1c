"""The GRU that reads thinking progress better than a line does (arXiv 2506.07240, section 3).

Settings other than "one layer" were not found; those of Learn-to-Stop are kept.
"""

from dataclasses import dataclass

from torch import nn

from probexit.probes.sequence.recurrent import Recurrent


@dataclass
class GRU(Recurrent):
    """One GRU layer."""

    def layer(self, d: int) -> nn.Module:
        return nn.GRU(d, self.units, batch_first=True)
