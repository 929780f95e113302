"""The feature extractors that ship with ganbench."""

from ganbench import hookimpl, user_extractors


@hookimpl
def register_extractors() -> dict[str, type]:
    from ganbench_extractors.classifier import ClassifierFile
    from ganbench_extractors.components import ComponentPosterior
    from ganbench_extractors.digits16 import Digits16
    from ganbench_extractors.dinov2 import Dino
    from ganbench_extractors.efficientnet_lite0 import EfficientNetLite0
    from ganbench_extractors.fashion32 import Fashion32
    from ganbench_extractors.fidelity_files import Clip, Vgg16
    from ganbench_extractors.inception import Inception
    from ganbench_extractors.mixture import MixturePosterior
    from ganbench_extractors.mnist32 import Mnist32
    from ganbench_extractors.stacked import StackedClassifier, StackedDigits16, StackedFashion32, StackedMnist32

    shipped: dict[str, type] = {
        "classifier": ClassifierFile,
        "clip": Clip,
        "digits16": Digits16,
        "dinov2": Dino,
        "efficientnet-lite0": EfficientNetLite0,
        "fashion32": Fashion32,
        "inception": Inception,
        "mixture": MixturePosterior,
        "components": ComponentPosterior,
        "mnist32": Mnist32,
        "stacked-classifier": StackedClassifier,
        "stacked-digits16": StackedDigits16,
        "stacked-fashion32": StackedFashion32,
        "stacked-mnist32": StackedMnist32,
        "vgg16": Vgg16,
    }
    return {**user_extractors(), **shipped}
