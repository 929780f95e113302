"""The feature extractors that ship with ganbench."""

from ganbench import hookimpl, user_extractors


@hookimpl
def register_extractors() -> dict[str, type]:
    from ganbench_extractors.classifier import ClassifierFile
    from ganbench_extractors.digits16 import Digits16
    from ganbench_extractors.efficientnet_lite0 import EfficientNetLite0
    from ganbench_extractors.inception import Inception
    from ganbench_extractors.mixture import MixturePosterior
    from ganbench_extractors.stacked import StackedDigits16

    shipped: dict[str, type] = {
        "classifier": ClassifierFile,
        "digits16": Digits16,
        "efficientnet-lite0": EfficientNetLite0,
        "inception": Inception,
        "mixture": MixturePosterior,
        "stacked-digits16": StackedDigits16,
    }
    return {**user_extractors(), **shipped}
