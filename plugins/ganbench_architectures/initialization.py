"""Initial weights of published networks."""

from torch import nn


def initialize_normal(module: nn.Module, gains: bool = True) -> None:
    """Weights from N(0, 0.02), biases 0; with `gains`, those of batch norm from N(1, 0.02) (Radford et al. 2016)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif gains and isinstance(layer, nn.BatchNorm2d) and layer.affine:
            nn.init.normal_(layer.weight, 1.0, 0.02)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def initialize_xavier(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Weights uniform with variance gain**2 * 2 / (fan in + fan out), biases 0."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
