"""Statistics of batch normalization that are computed anew for a trained generator (Brock et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from ganbench.engine.networks import Buffers, Named, Network

BATCHES = 100
"""Batches whose means and variances are averaged, as many as the paper names."""


def recomputed(network: Network, named: Named, buffers: Buffers, batches: Iterable[tuple[Tensor, ...]]) -> Buffers:
    """The buffers with the mean, over batches, of the means and variances that normalization sees.

    They are those of the evaluated parameters; the statistics of training lag behind them, and belong to the raw
    parameters where an average of G is evaluated. All other layers stay in evaluation mode. Without such layers the
    buffers are returned as they are.
    """
    layers = {
        name: layer
        for name, layer in network.module.named_modules()
        if isinstance(layer, _BatchNorm) and layer.track_running_stats
    }
    if not layers:
        return buffers
    momenta = {name: layer.momentum for name, layer in layers.items()}
    found = dict(buffers)
    for name, layer in layers.items():
        layer.train().momentum = None  # a plain average over batches, beside the count that starts at 0
        key = f"{name}.num_batches_tracked" if name else "num_batches_tracked"
        found[key] = buffers[key].new_zeros(())
    for inputs in batches:
        _, found = network(named, found, *inputs)
    for name, layer in layers.items():
        layer.eval().momentum = momenta[name]
    return found
