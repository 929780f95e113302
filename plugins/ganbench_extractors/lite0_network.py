"""The network EfficientNet-lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6 instead of swish."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

EPSILON = 1e-3
STAGES = (
    # blocks, kernel, stride of the first block, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000


def _around(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same" padding before and after: ceil(size / stride) outputs; what is odd goes to the end."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "same"."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        border = (*_around(width, kernel, stride), *_around(height, kernel, stride))
        return conv2d(pad(x, border), self.weight, None, self.stride, groups=self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON)


class Block(nn.Module):
    """An inverted residual block: a 1x1 convolution widens, one for each channel follows, a 1x1 convolution narrows."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        if expansion != 1:
            self.expand_conv, self.bn0 = SameConv(inputs, wide, 1), _norm(wide)
        self.depthwise_conv, self.bn1 = SameConv(wide, wide, kernel, stride, groups=wide), _norm(wide)
        self.project_conv, self.bn2 = SameConv(wide, outputs, 1), _norm(outputs)
        self.widens, self.residual = expansion != 1, stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        wide = self.bn0(self.expand_conv(x)).clamp(0, 6) if self.widens else x
        wide = self.bn1(self.depthwise_conv(wide)).clamp(0, 6)
        out: Tensor = self.bn2(self.project_conv(wide))
        return x + out if self.residual else out


class Lite0(nn.Module):
    """EfficientNet-lite0. The names of its parts are those of the published weights, without underscores in front."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn0 = SameConv(3, STEM, 3, stride=2), _norm(STEM)
        blocks, before = [], STEM
        for count, kernel, stride, expansion, channels in STAGES:
            for index in range(count):
                blocks.append(Block(before, channels, kernel, stride if index == 0 else 1, expansion))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.conv_head, self.bn1 = SameConv(before, HEAD, 1), _norm(HEAD)
        self.fc = nn.Linear(HEAD, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map normalized images (B, 3, H, W) to features (B, 1280), means over the last map, and logits (B, 1000)."""
        x = self.blocks(self.bn0(self.conv_stem(images)).clamp(0, 6))
        x = self.bn1(self.conv_head(x)).clamp(0, 6)
        features = torch.mean(x, dim=(2, 3))
        return features, self.fc(features)
