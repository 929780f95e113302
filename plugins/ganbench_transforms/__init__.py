"""The transforms of D that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_transforms() -> dict[str, type]:
    from ganbench_transforms.ada import Ada
    from ganbench_transforms.augment import Augment
    from ganbench_transforms.augmentation import DiffAugment, Flip
    from ganbench_transforms.noise import GradientNormalization, InstanceNoise
    from ganbench_transforms.packing import Packing

    return {
        "flip": Flip,
        "diffaugment": DiffAugment,
        "ada": Ada,
        "augment": Augment,
        "instance-noise": InstanceNoise,
        "gradient-normalization": GradientNormalization,
        "packing": Packing,
    }
