"""A classifier of one's own as an extractor, named by its file."""

from dataclasses import dataclass

from ganbench import TrainedExtractor, location


@dataclass(frozen=True)
class ClassifierFile(TrainedExtractor):
    """A classifier that `ganbench train-extractor DATASET --to FILE` wrote; `weights` is that file.

    It is 64 features, logits and the class as the mode. One that was stored by name, without `--to`, is an extractor
    of that name.
    """

    weights: str = location()

    def __post_init__(self) -> None:
        if not isinstance(self.weights, str) or not self.weights:
            raise ValueError(f"weights must be the path of a file, got {self.weights!r}")
