"""The vision transformer of DINOv2 with patches of 14 pixels, for the published files of weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention

PATCH, HEAD_WIDTH, EPSILON = 14, 64, 1e-6
OFFSET = 0.1
"""Added to the number of patches where positions are interpolated, as the published code does."""


class Scale(nn.Module):
    """A learned factor for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Attention(nn.Module):
    """Self-attention with heads of 64 channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        count, tokens, width = x.shape
        split = self.qkv(x).view(count, tokens, 3, width // HEAD_WIDTH, HEAD_WIDTH).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(split[0], split[1], split[2])
        found: Tensor = self.proj(mixed.transpose(1, 2).reshape(count, tokens, width))
        return found


class Mlp(nn.Module):
    """A hidden layer four times as wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc2(gelu(self.fc1(x)))
        return found


class Layer(nn.Module):
    """Attention and a hidden layer, each normalized, scaled and added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.attn, self.ls1 = nn.LayerNorm(width, EPSILON), Attention(width), Scale(width)
        self.norm2, self.mlp, self.ls2 = nn.LayerNorm(width, EPSILON), Mlp(width), Scale(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        found: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return found


class DinoV2(nn.Module):
    """The transformer; its parts are named as in the published files, and `side` is that of its map of positions."""

    def __init__(self, width: int, layers: int, side: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + side * side, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        self.blocks = nn.Sequential(*(Layer(width) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, EPSILON)
        self.side = side

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> "DinoV2":
        """The network of a state. Raises `KeyError`, `ValueError` or `RuntimeError` if it is of something else."""
        width = state["cls_token"].shape[-1]
        layers = sum(name.endswith(".attn.qkv.weight") for name in state)
        side = round((state["pos_embed"].shape[1] - 1) ** 0.5)
        if width % HEAD_WIDTH:
            raise ValueError(f"its width is {width}, no multiple of {HEAD_WIDTH}")
        net = cls(width, layers, side)
        net.load_state_dict(dict(state))
        return net

    def _positions(self, rows: int, columns: int) -> Tensor:
        """The positions (1, 1 + rows * columns, width), interpolated from the trained map."""
        if rows == columns == self.side:
            return self.pos_embed
        first, rest = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        maps = rest.view(1, self.side, self.side, -1).permute(0, 3, 1, 2)
        factors = ((rows + OFFSET) / self.side, (columns + OFFSET) / self.side)
        return torch.cat([first, interpolate(maps, scale_factor=factors, mode="bicubic").flatten(2).mT], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalized images (B, 3, H, W), whose sides are multiples of 14, to the class token (B, width)."""
        patches = self.patch_embed["proj"](images)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches.flatten(2).mT], dim=1)
        tokens = self.blocks(tokens + self._positions(*patches.shape[2:]))
        found: Tensor = self.norm(tokens[:, 0])
        return found
