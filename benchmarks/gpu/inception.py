"""Inception v3 with random weights, for timing only: the real ones need a download."""

from __future__ import annotations

from pathlib import Path

import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3


def made_weights(folder: Path) -> Path:
    """A weight file in torch-fidelity's form: the network's own initial values, always the same."""
    path = folder / "made-inception.pth"
    if path.is_file():
        return path
    load = FeatureExtractorInceptionV3.load_state_dict
    FeatureExtractorInceptionV3.load_state_dict = lambda self, state: None  # it loads its weights when it is made
    try:
        empty = folder / "empty.pth"
        torch.save({}, empty)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], str(empty))
    finally:
        FeatureExtractorInceptionV3.load_state_dict = load
    torch.save(net.state_dict(), path)
    return path
