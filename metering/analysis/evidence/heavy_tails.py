"""Likelihoods with heavy tails: a rare large move of an honest object must stay possible."""

from collections.abc import Sequence

import numpy as np

from metering.analysis.observed.panel import Floats


def log_density(values: Floats, scale: Floats | float, freedom: float) -> Floats:
    """Return the log density of Student's t around zero, without its constant."""
    return np.asarray(-(freedom + 1) / 2 * np.log1p((values / scale) ** 2 / freedom), np.float64)


def log_ratio(
    values: Floats, shift: Floats | float, scale: Floats | float, freedom: float
) -> Floats:
    """Return how much more likely values are when they were shifted, as a log ratio."""
    return log_density(values - shift, scale, freedom) - log_density(values, scale, freedom)


def log_mean(logs: Sequence[Floats]) -> Floats:
    """Return the log of the mean of what the logs are of."""
    summed = np.asarray(np.logaddexp.reduce(np.stack(logs), axis=0), np.float64)
    return np.asarray(summed - np.log(len(logs)), np.float64)
