"""The shipped reasoner: a very small language model that thinks, errs, repairs and overthinks.

It exists so that probes and guarantees can be tried on thousands of problems on two CPU cores.
Importing this package loads neither torch nor the checkpoint.
"""

from pathlib import Path


def path() -> Path:
    """Name the folder of the checkpoint, ready for `from_pretrained`."""
    return Path(__file__).parent / "model"


def deep_path() -> Path:
    """Name the folder of its deeper sibling, whose every layer was taught to answer."""
    return Path(__file__).parent / "deep"


def small_path() -> Path:
    """Name the folder of its small sibling, a fifth of the deeper one's cost and weaker."""
    return Path(__file__).parent / "small"


def hesitant_path() -> Path:
    """Name the folder of its small sibling whose second thoughts are redundant."""
    return Path(__file__).parent / "hesitant"
