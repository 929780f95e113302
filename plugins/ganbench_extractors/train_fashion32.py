"""Train the fashion32 extractor: `python -m ganbench_extractors.train_fashion32 FILE [ROOT]`.

ROOT is the folder of the dataset `fashion-mnist`, as its hyperparameter `root`.
"""

import sys
from pathlib import Path

import ganbench as gb

EPOCHS = 10


def main(file: Path, root: str = "") -> None:
    """Raises what `ganbench.train_extractor` raises."""
    stored = gb.train_extractor(
        "fashion-mnist", set={"root": root} if root else {}, to=file, accuracy=0.91, epochs=EPOCHS, force=True,
        on_progress=lambda done, total, what: print(f"{what}: {done} of {total}", file=sys.stderr),
    )  # fmt: skip
    print(f"{stored.path}: test accuracy {stored.card.accuracy:.4f}, SHA-256 {stored.card.weights}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
