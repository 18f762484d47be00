"""How deep in its object each pixel lies: what the distance map is asked to be.

The distance to the object's border over the object's largest such distance: 1 at the middle of each object, whatever its
size, and a valley where two touch. A watershed that starts from the parts above a threshold then tells them apart.
(Distance maps for touching nuclei: Naylor et al. 2018, "Segmentation of nuclei in histopathology images by deep regression
of the distance map"; made relative, because small objects would have no peak of their own.)
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from objectif.metrics.masks import objects_of


def depths(mask: NDArray[Any]) -> NDArray[np.float32]:
    """(H,W) of a mask with objects (metrics.masks): 0 outside of objects and towards 0 at their borders .. 1.

    Open pixels are outside; the side of the mask is no border, because an object that it cuts goes on.
    """
    objects = objects_of(mask)
    inside = objects > 0
    if not inside.any():
        return np.zeros(mask.shape, np.float32)
    free = inside.astype(np.uint8)
    free[:, :-1][inside[:, 1:] & (objects[:, :-1] != objects[:, 1:])] = 0  # one of two that touch gives way
    free[:-1][inside[1:] & (objects[:-1] != objects[1:])] = 0
    if free.all():
        return np.ones(mask.shape, np.float32)
    distance = cv2.distanceTransform(free, cv2.DIST_L2, 3)
    own, found = objects[inside], distance[inside]
    most = np.zeros(int(own.max()) + 1, np.float32)
    np.maximum.at(most, own, found)
    peak = most[own]
    deep = np.zeros(mask.shape, np.float32)
    deep[inside] = np.where(
        peak > 0, found / np.maximum(peak, 1e-6), 1.0
    )  # a thread along another has no middle
    return deep
