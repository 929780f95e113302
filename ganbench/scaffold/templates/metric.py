"""A metric for ganbench."""

from dataclasses import dataclass

from ganbench import View, hookimpl


@dataclass(frozen=True)
class Template:
    """Distance between the mean features of fakes and of real samples, to be changed: say here what yours is."""

    better = {"template-name": "lower"}
    kind = {"template-name": "log"}
    uses_extractor = True
    # on_device = True  # on a GPU its inputs are there: it makes no tensor on the CPU and calls no numpy

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        difference = real.features.mean(dim=0) - fake.features.mean(dim=0)
        return {"template-name": difference.norm().item()}  # change this line: the score by its name


@hookimpl
def register_metrics() -> dict[str, type]:
    return {"template-name": Template}
