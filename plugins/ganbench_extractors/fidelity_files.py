"""CLIP and VGG16 as torch-fidelity computes them, from local files of weights."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP
from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

from ganbench_extractors.weight_files import WeightFile, state_of

CLIP_DIMS = {
    "rn50": 1024, "rn101": 512, "rn50x4": 640, "rn50x16": 768, "rn50x64": 1024,
    "vit-b-32": 512, "vit-b-16": 512, "vit-l-14": 768, "vit-l-14-336px": 768,
}  # fmt: skip
"""The features of each published CLIP model, by its name in torch-fidelity without `clip-`."""
CLIP_PAPER = r"""
@inproceedings{radford2021clip,
  author    = {Radford, Alec and Kim, Jong Wook and Hallacy, Chris and Ramesh, Aditya and Goh, Gabriel and
    Agarwal, Sandhini and Sastry, Girish and Askell, Amanda and Mishkin, Pamela and Clark, Jack and
    Krueger, Gretchen and Sutskever, Ilya},
  title     = {Learning Transferable Visual Models From Natural Language Supervision},
  booktitle = {International Conference on Machine Learning},
  eprint    = {2103.00020},
  archivePrefix = {arXiv},
  year      = {2021},
}
"""
VGG_PAPER = r"""
@inproceedings{simonyan2015very,
  author    = {Simonyan, Karen and Zisserman, Andrew},
  title     = {Very Deep Convolutional Networks for Large-Scale Image Recognition},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1409.1556},
  archivePrefix = {arXiv},
  year      = {2015},
}
"""


class Only(nn.Module):
    """One output of an extractor of torch-fidelity, for uint8 images (B, 3, H, W)."""

    def __init__(self, extractor: FeatureExtractorBase) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, images: Tensor) -> Tensor:
        (features,) = self.extractor(images)
        found: Tensor = features
        return found


@dataclass(frozen=True)
class Clip(WeightFile):
    """CLIP's image encoder as torch-fidelity computes it (512 to 1024 features), from OpenAI's file of weights.

    `weights` is the path of the file, `model` its name in torch-fidelity without `clip-`. Images are converted to 8-bit
    RGB and resized to the model's size as in TensorFlow 1.
    """

    model: str = "vit-b-32"

    name: ClassVar[str] = "clip"
    reference: ClassVar[str] = CLIP_PAPER
    resize: ClassVar[str] = "the model's size, bilinear as TensorFlow 1"

    def __post_init__(self) -> None:
        if self.model not in CLIP_DIMS:
            raise ValueError(f"model must be one of {', '.join(CLIP_DIMS)}, got {self.model!r}")

    @property
    def dims(self) -> int:
        return CLIP_DIMS[self.model]

    @property
    def backbone(self) -> str:
        return f"clip-{self.model}"

    @property
    def wanted(self) -> str:
        return f"CLIP {self.model}, a TorchScript file that OpenAI publishes (such as ViT-B-32.pt)"

    def network(self, path: Path) -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit, the form in which the file is published, is deprecated
            net = FeatureExtractorCLIP(self.backbone, ["clip"], str(path))
        found = net.model.visual.output_dim
        if found != self.dims:
            raise ValueError(f"it gives {found} features, and {self.model} has {self.dims}; set 'model'")
        return Only(net)


@dataclass(frozen=True)
class Vgg16(WeightFile):
    """VGG16 as torch-fidelity computes it (4096 features, the second hidden layer), from torchvision's file of weights.

    `weights` is the path of the file. Images are converted to 8-bit RGB and resized to 224x224 as in TensorFlow 1.
    """

    name: ClassVar[str] = "vgg16"
    reference: ClassVar[str] = VGG_PAPER
    backbone: ClassVar[str] = "vgg16"
    resize: ClassVar[str] = "224x224, bilinear as TensorFlow 1"

    @property
    def dims(self) -> int:
        return 4096

    @property
    def wanted(self) -> str:
        return "VGG16, vgg16-397923af.pth of torchvision"

    def network(self, path: Path) -> nn.Module:
        state_of(path)  # torch-fidelity unpickles anything: refuse code first
        return Only(FeatureExtractorVGG16("vgg16", ["fc2_relu"], str(path)))
