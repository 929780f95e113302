"""FID, IS, KID, precision and recall in torch-fidelity's own arithmetic, on features given."""

from dataclasses import dataclass

from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

from ganbench import Dataset, View

SEED = 2020  # torch-fidelity's default, so that scores can stand beside everybody else's


def images_only(dataset: Dataset) -> str | None:
    if len(dataset.shape) == 3:
        return None
    return "on points in the plane it is blind to missing modes; use modes and sliced-wasserstein"


@dataclass(frozen=True)
class Fid:
    """Frechet distance of Gaussians fitted to the features (Heusel et al. 2017)."""

    version = "1"
    better = {"FID": "lower"}
    judged = True

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        """Twice the features: fewer samples cannot fill the covariance."""
        return 2 * dims

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        statistics = [fid_features_to_statistics(side.features) for side in (fake, real)]
        return {"FID": fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]}


@dataclass(frozen=True)
class InceptionScore:
    """exp E KL(p(y|x) || p(y)) over the classifier's labels, mean of splits (Salimans et al. 2016)."""

    splits: int = 10

    version = "1"
    better = {"IS": "higher"}
    judged = True
    needs = ("logits",)

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        return 10 * self.splits

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        scores = isc_features_to_metric(fake.logits, splits=self.splits, shuffle=True, rng_seed=SEED)
        return {"IS": scores[KEY_METRIC_ISC_MEAN]}


@dataclass(frozen=True)
class Kid:
    """Squared MMD with a cubic kernel, mean over random subsets (Binkowski et al. 2018)."""

    subsets: int = 100
    subset_size: int = 1000

    version = "1"
    better = {"KID": "lower"}
    judged = True

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        return self.subset_size

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        scores = kid_features_to_metric(
            fake.features, real.features, kid_subsets=self.subsets, kid_subset_size=self.subset_size,
            rng_seed=SEED, verbose=False,
        )  # fmt: skip
        return {"KID": scores[KEY_METRIC_KID_MEAN]}


@dataclass(frozen=True)
class PrecisionRecall:
    """Improved precision and recall: who lies in whose k-nearest-neighbour balls (Kynkaanniemi et al. 2019)."""

    neighbourhood: int = 3

    version = "1"
    better = {"precision": "higher", "recall": "higher"}
    judged = True

    def supports(self, dataset: Dataset) -> str | None:
        return images_only(dataset)

    def minimum(self, dims: int) -> int:
        return self.neighbourhood + 2

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        scores = prc_features_to_metric(
            fake.features, real.features, prc_neighborhood=self.neighbourhood, save_cpu_ram=True, verbose=False
        )
        return {"precision": scores[KEY_METRIC_PRECISION], "recall": scores[KEY_METRIC_RECALL]}
