"""Percentiles, as all cases report and plot them."""

import numpy as np
import numpy.typing as npt

PERCENTILES = (50.0, 90.0, 99.0, 99.9, 100.0)


def percentiles(values: npt.ArrayLike) -> dict[str, float]:
    """Percentile -> value, such as "p99.9"; empty when there are no values."""
    numbers = np.asarray(values)
    if not len(numbers):
        return {}
    found = np.percentile(numbers, PERCENTILES)
    return {f"p{percent:g}": float(value) for percent, value in zip(PERCENTILES, found, strict=True)}
