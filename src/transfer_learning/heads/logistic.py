"""A head by multinomial logistic regression on standardised features, its strength chosen.

The protocol is that of DINOv2 (``dinov2/eval/log_regression.py``): one fit after another over a
path of strengths, each from the weights of the one before, and the lowest validation loss chooses.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from transfer_learning.features.features import Features
from transfer_learning.features.subsets import joined
from transfer_learning.heads.head import Head
from transfer_learning.heads.streaming import Streamed
from transfer_learning.heads.strengths import Strength
from transfer_learning.runtime.errors import UserError

# Exponents of ten, in quarters, as no finer step changes the loss by much: the path runs from 10^5
# to 1, and is extended one by one to these ends while the best strength lies at an end.
STEPS = 4
FIRST, LAST = 5 * STEPS, 0
STRONGEST, WEAKEST = 9 * STEPS, -5 * STEPS
# Of the largest gradient: along the path the fourth decimal of the loss is right; the chosen
# weights are right in every bit that float32 keeps, on whatever processor.
PATH_TOLERANCE, TOLERANCE = 1e-6, 1e-13
ITERATIONS = 10_000
# Bytes of features as float64 up to which scikit-learn takes them at once: 13,000 photos, 1,280
# each. It needs four times as much.
RESIDENT = 2**27
# That are kept.
PROBLEMS = 4


@dataclass(frozen=True)
class Fitted:
    """A head, the path on which its strength was chosen, and what validation says of it.

    ``validated`` is the head that was fitted on the training photos alone, whose numbers on
    validation photos are those of photos that it has not seen: ``head`` itself, unless refitted.
    """

    head: Head
    validated: Head
    path: list[Strength]


def fit(
    train_set: Features, valid_set: Features, *, strength: float | None = None, refit: bool = False
) -> Fitted:
    """Fit a head.

    Args:
        train_set: features of the photos to learn from.
        valid_set: features of the photos whose log loss chooses the strength.
        strength: the only one to try, in place of the path.
        refit: whether the head is fitted anew on both sets, with the strength chosen before.

    Raises:
        UserError: a class has no training photo.
    """
    with threadpool_limits(1, user_api="blas"):  # More threads take ten times as long.
        problem = _problem(train_set)
        path, weights = _path(problem, valid_set, strength)
        best = min(path, key=lambda item: item.val_loss)
        validated = problem.solve(best.strength, weights[best.strength])
        head = validated
        if refit:
            both = joined([train_set, valid_set])
            head = _problem(both).solve(best.strength, None)
    path = [replace(item, chosen=item is best) for item in path]
    return Fitted(head, validated, path)


def path_strengths() -> list[float]:
    """Return the strengths of a path that is not extended, the strongest first."""
    return [_strength(step) for step in range(FIRST, LAST - 1, -1)]


def _strength(step: int) -> float:
    # Three digits, so that what the report shows is what was fitted.
    return float(f"{10 ** (step / STEPS):.3g}")


def _path(
    problem: _Problem | Streamed, valid_set: Features, strength: float | None
) -> tuple[list[Strength], dict[float, np.ndarray]]:
    """Return the path, the strongest first, and by strength the weights."""
    weights: dict[float, np.ndarray] = {}

    def tried(value: float, start: np.ndarray | None) -> Strength:
        weights[value] = problem.weights(value, start)
        head = problem.head(weights[value])
        means = [
            head.accuracy_and_loss(photos.features, photos.labels)
            for photos in (problem.photos, valid_set)
        ]
        (accuracy, loss), (val_accuracy, val_loss) = means
        return Strength(value, accuracy, val_accuracy, loss, val_loss, chosen=False)

    if strength is not None:
        return [tried(strength, None)], weights
    path: list[Strength] = []
    for step in range(FIRST, WEAKEST - 1, -1):
        path.append(tried(_strength(step), _start([weights[item.strength] for item in path])))
        if step <= LAST and min(path, key=lambda item: item.val_loss) is not path[-1]:
            break
    for step in range(FIRST + 1, STRONGEST + 1):
        if min(path, key=lambda item: item.val_loss) is not path[0]:
            break
        path.insert(0, tried(_strength(step), weights[path[0].strength]))
    return path, weights


def _start(found: list[np.ndarray]) -> np.ndarray | None:
    """Return the weights to begin with: as far beyond the last as these are beyond those before."""
    return 2 * found[-1] - found[-2] if len(found) > 1 else found[-1] if found else None


@dataclass(frozen=True)
class _Problem:
    """Photos to learn from, standardised, and turned so that no direction without them is left.

    The best weights are sums of the photos' features, so where the photos are fewer than the
    features, nothing is lost in the space that they span (the representer theorem), and a fit there
    takes less time.  ``turned`` float64 [N, min(N, D)]; ``basis`` float64 [D, N], or none.
    """

    photos: Features
    mean: np.ndarray
    scale: np.ndarray
    turned: np.ndarray
    basis: np.ndarray | None

    @classmethod
    def of(cls, photos: Features) -> _Problem:
        features = photos.features[:].astype(np.float64)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale[scale == 0] = 1
        standard = (features - mean) / scale
        if len(standard) >= standard.shape[1]:
            return cls(photos, mean, scale, standard, None)
        basis, triangle = np.linalg.qr(standard.T)
        return cls(photos, mean, scale, np.ascontiguousarray(triangle.T), basis)

    def solve(self, strength: float, start: np.ndarray | None) -> Head:
        """Return the head with this strength, as exact as float32 holds it."""
        near = self.weights(strength, start)
        with warnings.catch_warnings():
            # Where no step makes the loss smaller, it is as small as float64 can tell.
            warnings.simplefilter("ignore")
            return self.head(self.weights(strength, near, "newton-cg", TOLERANCE))

    def weights(
        self,
        strength: float,
        start: np.ndarray | None,
        solver: str = "lbfgs",
        tolerance: float = PATH_TOLERANCE,
    ) -> np.ndarray:
        """Return the weights float64 [C, min(N, D) + 1], the bias last; two classes have one row.

        Args:
            strength: of the regularisation.
            start: weights to begin with; zeros where None.
            solver: scikit-learn's name of it.
            tolerance: of the largest gradient of the mean loss.
        """
        model = LogisticRegression(
            C=1 / strength, solver=solver, tol=tolerance, max_iter=ITERATIONS, warm_start=True
        )
        if start is not None:
            model.coef_, model.intercept_ = start[:, :-1], start[:, -1]
        model.fit(self.turned, self.photos.labels)
        return np.column_stack([model.coef_, model.intercept_])

    def head(self, weights: np.ndarray) -> Head:
        """Return the head for features as they are: the standardisation is folded into it."""
        if len(weights) == 1:
            # The logit of the second class over the first.
            weights = np.concatenate([-weights / 2, weights / 2])
        kernel, bias = weights[:, :-1].T, weights[:, -1]
        if self.basis is not None:
            kernel = self.basis @ kernel
        kernel = kernel / self.scale[:, np.newaxis]
        bias = bias - self.mean @ kernel
        return Head(kernel.astype(np.float32), bias.astype(np.float32), self.photos.classes)


# Kept, for one head after another on the same photos.
@lru_cache(PROBLEMS)
def _problem(photos: Features) -> _Problem | Streamed:
    counts = np.bincount(photos.labels, minlength=len(photos.classes))
    if missing := photos.classes[counts == 0].tolist():
        raise UserError(
            f"class {missing[0]!r} has no training photo, and a logistic head needs one of "
            "each class: change dataset.splits, or set train.head to dense"
        )
    wide = photos.features.shape[0] * photos.features.shape[1] * np.dtype(np.float64).itemsize
    return _Problem.of(photos) if wide <= RESIDENT else Streamed.of(photos)
