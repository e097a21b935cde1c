"""Read a running model: its layers, its hidden states at chosen tokens, the cues in its text."""

from probexit.hooks.capture import Capture, CaptureError
from probexit.hooks.layers import decoder_layers, final_norm, unembedding
from probexit.hooks.steer import Steer
from probexit.hooks.think_tags import ThinkTags, think_tags

__all__ = [
    "Capture",
    "CaptureError",
    "Steer",
    "ThinkTags",
    "decoder_layers",
    "final_norm",
    "think_tags",
    "unembedding",
]
