"""DINOv2, whose features need no labels, from a local file of weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x
from torchvision.transforms.functional import normalize

from ganbench_extractors.dinov2_network import DinoV2
from ganbench_extractors.weight_files import WeightFile, state_of

DIMS = {"vits14": 384, "vitb14": 768, "vitl14": 1024}
"""The features of each model. The giant one has other layers, and the models with registers other tokens."""
SIDE = 224
MEAN = (255 * 0.485, 255 * 0.456, 255 * 0.406)
STD = (255 * 0.229, 255 * 0.224, 255 * 0.225)
PAPERS = (
    r"""
@article{oquab2024dinov2,
  author  = {Oquab, Maxime and Darcet, Timoth{\'e}e and Moutakanni, Th{\'e}o and Vo, Huy and Szafraniec, Marc and
    Khalidov, Vasil and Fernandez, Pierre and Haziza, Daniel and Massa, Francisco and El-Nouby, Alaaeldin and
    Assran, Mahmoud and Ballas, Nicolas and Galuba, Wojciech and Howes, Russell and Huang, Po-Yao and Li, Shang-Wen and
    Misra, Ishan and Rabbat, Michael and Sharma, Vasu and Synnaeve, Gabriel and Xu, Hu and J{\'e}gou, Herv{\'e} and
    Mairal, Julien and Labatut, Patrick and Joulin, Armand and Bojanowski, Piotr},
  title   = {{DINOv2}: Learning Robust Visual Features without Supervision},
  journal = {Transactions on Machine Learning Research},
  eprint  = {2304.07193},
  archivePrefix = {arXiv},
  year    = {2024},
}
""",
    r"""
@inproceedings{stein2023exposing,
  author    = {Stein, George and Cresswell, Jesse C. and Hosseinzadeh, Rasa and Sui, Yi and Ross, Brendan Leigh and
    Villecroze, Valentin and Liu, Zhaoyan and Caterini, Anthony L. and Taylor, J. Eric T. and Loaiza-Ganem, Gabriel},
  title     = {Exposing Flaws of Generative Model Evaluation Metrics and Their Unfair Treatment of Diffusion Models},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {36},
  eprint    = {2306.04675},
  archivePrefix = {arXiv},
  year      = {2023},
}
""",
)


class Prepared(nn.Module):
    """The network with torch-fidelity's way of resizing and normalizing uint8 images (B, 3, H, W)."""

    def __init__(self, net: DinoV2) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        resized = interpolate_bilinear_2d_like_tensorflow1x(images.float(), size=(SIDE, SIDE), align_corners=False)
        found: Tensor = self.net(normalize(resized, MEAN, STD))
        return found


@dataclass(frozen=True)
class Dino(WeightFile):
    """DINOv2 with torch-fidelity's preprocessing (384 to 1024 features), from Meta's file of weights.

    `weights` is the path of the file, `model` which it is: `vits14`, `vitb14` or `vitl14`. Images are converted to
    8-bit RGB and resized to 224x224 as in TensorFlow 1.
    """

    model: str = "vits14"

    name: ClassVar[str] = "dinov2"
    reference: ClassVar[tuple[str, ...]] = PAPERS
    resize: ClassVar[str] = "224x224, bilinear as TensorFlow 1"

    def __post_init__(self) -> None:
        if self.model not in DIMS:
            raise ValueError(f"model must be one of {', '.join(DIMS)}, got {self.model!r}")

    @property
    def dims(self) -> int:
        return DIMS[self.model]

    @property
    def backbone(self) -> tuple[str, ...]:
        return f"dinov2-{self.model}", f"dinov2_{self.model}"

    @property
    def wanted(self) -> str:
        return f"DINOv2 {self.model}, dinov2_{self.model}_pretrain.pth that Meta publishes"

    def network(self, path: Path) -> nn.Module:
        state = state_of(path)
        found = state["cls_token"].shape[-1]
        if found != self.dims:
            raise ValueError(f"it gives {found} features, and {self.model} has {self.dims}; set 'model'")
        return Prepared(DinoV2.of(state))
