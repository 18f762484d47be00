"""How the numbers of an ordinal loss are read as probabilities of stages: step by step, or as cumulative odds.

A loss says in its `reading` which it is; the exported network reads its own numbers, so that nobody after it has to know.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

READINGS = ("conditional", "cumulative")


def cumulative(output: Tensor) -> Tensor:
    """(B, S-1) numbers to the log odds of being above each stage but the last, never rising from one to the next."""
    return output[:, :1] - torch.cat(
        [torch.zeros_like(output[:, :1]), functional.softplus(output[:, 1:]).cumsum(1)], 1
    )


def probabilities(output: Tensor, reading: str) -> Tensor:
    """(B, S-1) numbers of a loss to (B, S) probabilities of the stages."""
    if reading == "conditional":
        log_above = functional.logsigmoid(output).cumsum(1)
        above = log_above.exp()
    else:
        above = torch.sigmoid(cumulative(output))
    one, none = torch.ones_like(above[:, :1]), torch.zeros_like(above[:, :1])
    return torch.cat([one, above], 1) - torch.cat([above, none], 1)
