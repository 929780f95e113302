"""The datasets that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_datasets() -> dict[str, type]:
    from ganbench_datasets.celeba import CelebA
    from ganbench_datasets.curves import Spiral, TwoMoons
    from ganbench_datasets.densities import AnisotropicMixture, Checkerboard, HighDimensionalMixture
    from ganbench_datasets.digits import Digits
    from ganbench_datasets.folder import Folder
    from ganbench_datasets.huggingface import HuggingFace
    from ganbench_datasets.idx_sets import FashionMnist, Mnist
    from ganbench_datasets.mixtures import Grid25, Ring8
    from ganbench_datasets.stacked import StackedDigits, StackedFashion, StackedMnist
    from ganbench_datasets.torchvision_sets import Cifar10, Cifar100, Stl10, Svhn

    return {
        "ring8": Ring8,
        "grid25": Grid25,
        "anisotropic-mixture": AnisotropicMixture,
        "high-dimensional-mixture": HighDimensionalMixture,
        "two-moons": TwoMoons,
        "spiral": Spiral,
        "checkerboard": Checkerboard,
        "digits": Digits,
        "mnist": Mnist,
        "fashion-mnist": FashionMnist,
        "cifar10": Cifar10,
        "cifar100": Cifar100,
        "svhn": Svhn,
        "stl10": Stl10,
        "celeba": CelebA,
        "stacked-digits": StackedDigits,
        "stacked-fashion": StackedFashion,
        "stacked-mnist": StackedMnist,
        "folder": Folder,
        "huggingface": HuggingFace,
    }
