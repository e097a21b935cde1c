"""Early-exit losses: teach every layer to say, through the one output layer, what the last says."""

import random
from typing import Any

import torch
from torch.nn import functional

from probexit.experiments.reasoner.training.data import IGNORED, Batch

WEIGHT = 0.5
LAYERS_A_STEP = 2


def early_exit_loss(model: Any, batch: Batch, rng: random.Random) -> torch.Tensor:
    """Give the cross entropy ``[]`` of the last layer plus what two drawn at random miss of it.

    As in LayerSkip (arXiv 2404.16710, section 4.1) all layers share the final norm and the output
    layer. Unlike there an early layer learns the last one's distribution (Kullback-Leibler, not
    propagated into the last layer) rather than the label, at every token: also where the text
    carries no label, as with guesses, an exit should say what the full model says.
    """
    ids, labels = batch
    output = model.model(input_ids=ids, use_cache=False, output_hidden_states=True)
    targets = labels[:, 1:]
    chosen = targets != IGNORED
    logits = model.lm_head(output.last_hidden_state[:, :-1]).float()
    loss = functional.cross_entropy(logits[chosen], targets[chosen])
    said = logits[ids[:, 1:] != model.config.pad_token_id].detach().log_softmax(-1)
    layers = rng.sample(range(1, model.config.num_hidden_layers), LAYERS_A_STEP)
    for layer in layers:
        early = model.lm_head(model.model.norm(output.hidden_states[layer][:, :-1])).float()
        early = early[ids[:, 1:] != model.config.pad_token_id].log_softmax(-1)
        missed = functional.kl_div(early, said, reduction="batchmean", log_target=True)
        loss = loss + WEIGHT / LAYERS_A_STEP * missed
    return loss
