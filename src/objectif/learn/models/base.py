"""What a model is: where its features come from, what it needs, and what it may be used for.

There are two kinds behind the door. A `Model` gives features to heads; a `Learner` is trained as a whole.

For a Model a network is seen in two parts: `Features`, which turn prepared images into vectors, and a linear head on them.
The cut is what makes the race quick: features are exported and computed once and shared by every loss, and a
fine-tuned network is the same exported graph with other weights and another head. It also keeps heat maps exact:
where the vector begins with the mean of a feature map, the head's weights apply to the map as they are.

Where an answer is more than a linear function of one vector (boxes, masks, pictures) there is no such cut. A Learner
builds a `Whole`: it knows what its outputs mean, how a batch is judged (`objective`, composed of losses that it is
handed) and which of its weights move how fast (`rates`). The loop that trains it (fit/train.py) knows none of that.
Rejected: a task's base class with hooks for the loop, as trainers of other frameworks have; the loop stays one page, and
a task is not met twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from objectif.learn.losses.base import Batch, Loss

Approach = Literal["classical", "frozen", "finetune"]


class Features(nn.Module):
    """Prepared images in, vectors out. Subclasses set:

    width: D, the length of the vector.
    map_width: E <= D; the first E entries are the spatial mean of the feature map, 0 where there is none.
    """

    width: int
    map_width: int = 0

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """image (N,H,W,C) uint8 or float32 in 0..255 -> (embedding (N,D),) or (embedding, map (N,h,w,E))."""
        raise NotImplementedError

    def vectors(self, image: Tensor) -> Tensor:
        """The embedding alone, where that is less work."""
        found: Tensor = self(image)[0]
        return found


@dataclass(frozen=True)
class Model:
    """One entry of the door `objectif.models`: data with its source and licence, and a way to build it.

    approach: 'classical' and 'frozen' get a head on fixed features; 'finetune' trains the features too.
    features: name of the extractor; models that share it share its export and its computed features.
    build: channels -> Features. Called only in the process that exports or trains.
    size: side in pixels of the prepared image; multiple: sides that the extractor can take are multiples of it.
    graph: the extractor where it is a finished ONNX graph; `build` is then not called.
    columns: which part of the vector this model's head sees, (start, stop); stop None is the end.
    """

    name: str
    approach: Approach
    title: str
    source: str
    licence: str
    features: str
    build: Callable[[int], Features]
    size: int
    multiple: int = 1
    columns: tuple[int, int | None] = (0, None)
    pretrained: str = ""
    version: int = 1
    graph: Callable[[], bytes] | None = None
    task: str = "classify"


class Whole(nn.Module):
    """A network that is trained as a whole and answers by itself. Subclasses set:

    outputs: names of what forward gives, in order; those that the task's decoding needs first, then 'embedding'.
    any_size: whether it is exported for images of any size: each place is answered from what is around it, and all
    outputs but the embedding are grids (N,h,w,...). Large pictures are then seen in windows (images/windows.py).
    columns: names of what it wants to know beside the pixels; forward takes them as (N, K) then.
    """

    outputs: tuple[str, ...]
    any_size = False
    columns: tuple[str, ...] = ()

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """image (N,H,W,C) uint8 or float32 in 0..255 -> the outputs, each with N first. This is what is exported."""
        raise NotImplementedError

    def objective(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> Tensor:
        """What training lowers, a scalar: `losses` (one of each kind the Learner names, in its order) put together.

        truth: as the task gives it, in pixels of `image`, padded as the task pads. batch.weight (N,) is per image.
        """
        raise NotImplementedError

    def rates(self) -> list[dict[str, Any]]:
        """Parameter groups for an optimiser: "params", "lr" as a factor of the base rate, and "weight_decay" as a
        factor of the base decay. What is in none of them stays as it is."""
        moving = [p for p in self.parameters() if p.requires_grad]
        return [
            {"params": [p for p in moving if p.ndim > 1], "lr": 1.0, "weight_decay": 1.0},
            {"params": [p for p in moving if p.ndim <= 1], "lr": 1.0, "weight_decay": 0.0},
        ]

    def begin(self, image: Tensor, truth: Tensor) -> None:
        """Called once before training with some plain training images: for statistics that a start needs."""

    def fixed(self, image: Tensor) -> Tensor:
        """(N, ...) what solve() wants of pictures, each by itself and the same before every solve: theirs, once for all."""
        return image

    def solve(self, image: Tensor, truth: Tensor, losses: tuple[Loss, ...], batch: Batch) -> None:
        """Fit it to all training images at once; called instead of training where the Learner is `solved`.

        image: what fixed() gives of them. truth, batch: as objective() gets them, with all images in one batch, seen plainly.
        """
        raise NotImplementedError

    def counts(self, truth: NDArray[np.floating[Any]], classes: int) -> Tensor:
        """(C,) how often each class occurs in the truth of the whole training set: Batch.class_counts."""
        return torch.zeros(classes)


class View(Protocol):
    """How one training batch is seen: augmentation, in numpy."""

    def __call__(
        self,
        images: NDArray[Any],
        truth: NDArray[np.floating[Any]],
        size: tuple[int, int],
        generator: np.random.Generator,
        progress: float,
        symmetries: tuple[str, ...],
    ) -> tuple[NDArray[Any], NDArray[np.floating[Any]]]:
        """images (n,h,w,C), truth (n,...) -> n views (n,H,W,C) of the same type, and their truth in pixels of the views.

        size: (H, W). progress: 0..1, share of the training that is done. symmetries: of 'mirror' (left-right), 'flip'
        (up-down) and 'turn' (quarter turns), those that keep what the truth means.
        """
        ...


def anything(classes: int, columns: tuple[str, ...]) -> bool:
    """For a Learner that has a part in every problem of its task."""
    return True


def always() -> None:
    """For a Learner that can be built wherever it can be imported."""


@dataclass(frozen=True)
class Learner:
    """One entry of the door `objectif.models` that is trained as a whole: data with its source, and ways to build it.

    approach: 'classical' (fixed filters), 'frozen' (a fixed trunk) or 'finetune' (all of it may move).
    sizes: long sides of the prepared image at which it may be raced, cheapest first; sides are multiples of `multiple`.
    losses: kinds of losses that its objective composes, in order; usual: the ones by name that it starts from.
    epochs: the fewest that pay, the most that are useful; steps: the fewest that pay where images are few; rate: the base learning rate, for `batch` images a step.
    build: (channels, classes) -> Whole. Called only in the process that trains or exports.
    view: how a training batch is seen. available: why it cannot be built here, or None.
    solved: its network is fitted to all images at once (Whole.solve), with no steps and so no passes to choose.
    preparations: steps of images.prepare.STEPS that are tried where it does best; () for a network that learns to look past
    what they take away.
    features: what names its network's fixed(); those that share it share what was computed. Empty: as quickly made again.
    note: what the card of a Solution made from it must say.
    sided: (channels, classes, names of side columns) -> Whole, for one that looks at those; it is called instead of build.
    fits: (classes, names of side columns) -> whether it has a part in such a problem.
    """

    name: str
    approach: Approach
    title: str
    source: str
    licence: str
    task: str
    sizes: tuple[int, ...]
    build: Callable[[int, int], Whole]
    view: View
    losses: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()
    epochs: tuple[int, int] = (10, 100)
    steps: int = 50
    multiple: int = 32
    batch: int = 8
    rate: float = 1e-3
    decay: float = 0.05
    available: Callable[[], str | None] = always
    pretrained: str = ""
    note: str = ""
    solved: bool = False
    preparations: tuple[str, ...] = ()
    features: str = ""
    version: int = 1
    sided: Callable[[int, int, tuple[str, ...]], Whole] | None = None
    fits: Callable[[int, tuple[str, ...]], bool] = anything


def built(learner: Learner, channels: int, classes: int, columns: tuple[str, ...] = ()) -> Whole:
    """A Learner's network for data with these side columns."""
    if learner.sided is not None:
        return learner.sided(channels, classes, columns)
    return learner.build(channels, classes)
