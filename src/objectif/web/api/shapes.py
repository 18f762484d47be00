"""What the REST API sends and takes: every field with its unit, so that /openapi.json alone says how to use it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Health(BaseModel):
    """The server is up."""

    status: Literal["ok"] = "ok"
    version: str = Field(description="Of objectif.")
    solutions: int = Field(description="How many are on the shelf.", ge=0)
    running: int = Field(description="Races that run now.", ge=0)


class SolutionEntry(BaseModel):
    """A Solution on the shelf."""

    name: str = Field(description="Its name in this API.", examples=["flowers"])
    title: str = Field(description="What people call it.")
    task: str = Field(description="classify, detect, segment, regress, restore, identify or anomaly.")
    classes: list[str] = Field(description="What it can answer, in the order of the network's scores.")
    run: str | None = Field(description="The run that it came from, where that is known.")
    bytes: int = Field(description="Size of the file in bytes.", ge=0)


class SolutionCard(SolutionEntry):
    """A Solution with all that it says of itself."""

    card: dict[str, Any] = Field(description="The model card: facts for people.")
    preparation: dict[str, Any] = Field(
        description="The network's input: height and width in pixels, channels, fit, steps."
    )
    precisions: list[str] = Field(description="Those of its networks: fp32, int8.")
    promises: dict[str, Any] | None = Field(
        description="What is promised of its answers, on what evidence; null: nothing."
    )


class SolutionTitle(BaseModel):
    """A new title for a Solution."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(description="1 to 80 printable characters.", min_length=1, max_length=80)


class PredictPath(BaseModel):
    """A picture that is on the server's disk."""

    model_config = ConfigDict(extra="forbid")
    solution: str = Field(description="The name of a Solution on the shelf.", min_length=1, max_length=200)
    path: str = Field(
        description="A file in an allowed root; a relative one starts at the first root.", max_length=4096
    )


class Prediction(BaseModel):
    """The answer of a Solution for one picture; `answer` depends on the Solution's task."""

    solution: str = Field(description="The name of the Solution that answered.")
    task: str = Field(description="The Solution's task, which says what `answer` has.")
    size: list[int] = Field(
        description="[height, width] of the upright picture in pixels.", min_length=2, max_length=2
    )
    milliseconds: float = Field(
        description="From the request's arrival to the answer, waiting included.", ge=0
    )
    answer: dict[str, Any] = Field(
        description="path; of classify label and scores by class (probabilities); of detect boxes [[x1, y1, x2, y2], ...] in "
        "pixels of the upright picture, labels, scores; of segment shape [height, width] and shares of the pixels by class; "
        "of others as `objectif predict` writes them. Where the Solution judges its answers: act (answer, defer or reject), "
        "why, and set, the classes that it may be."
    )


class RunEntry(BaseModel):
    """A race."""

    name: str = Field(description="Its name in this API.")
    state: Literal["waiting", "running", "done", "stopped", "failed"] = Field(
        description="What has become of it."
    )
    elapsed: float = Field(description="Seconds raced.", ge=0)
    budget: float | None = Field(description="Seconds that it may take; null until it is known.")
    solution: str | None = Field(description="The Solution that it delivered, once it has.")
    error: str | None = Field(description="The last words of one that failed.")


class RunStart(BaseModel):
    """A race to start."""

    model_config = ConfigDict(extra="forbid")
    data: str = Field(
        description="A folder or file of labelled images, or a problem.toml, in an allowed root.",
        max_length=4096,
    )
    name: str | None = Field(
        None,
        description="What to call the run; default the data's name.",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,59}$",
    )
    budget: str | None = Field(
        None, description="How long it may take: 60s, 5m, 1h.", pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?(s|m|h)$"
    )
    task: Literal["classify", "detect", "segment", "regress", "restore", "identify", "anomaly"] | None = (
        Field(None, description="What to tell from the images; default what the labels say.")
    )
    metric: str | None = Field(
        None, description="The objective; default the task's.", pattern=r"^[A-Za-z0-9_]{1,40}$"
    )
    seed: int | None = Field(None, description="Of all randomness.", ge=0, le=2**31 - 1)
    quick: bool = Field(False, description="A first Solution within 30 seconds, instead of a budget.")


class DataPath(BaseModel):
    """Data on the server's disk."""

    model_config = ConfigDict(extra="forbid")
    path: str = Field(
        description="A folder or file of labelled images in an allowed root.", min_length=1, max_length=4096
    )


class DataEntry(BaseModel):
    """Labelled images that the server knows."""

    key: str = Field(description="Their name in this API.")
    path: str = Field(description="Where they are on the server's disk.")
    layout: str = Field(description="The layout in which they were found.")
    task: str = Field(description="What their labels can tell.")
    images: int = Field(description="How many can be used.", ge=0)
    unusable: int = Field(description="How many files cannot be used.", ge=0)
    classes: dict[str, int] = Field(description="Images with each class.")
    notes: list[str] = Field(description="Sentences about how they were read.")


class SampleEntry(BaseModel):
    """An image of the data."""

    number: int = Field(description="Its place among all images, from 0.", ge=0)
    path: str = Field(description="Relative to the data.")
    labels: list[str] = Field(description="Its classes.")
    split: str | None = Field(description="train, val or test, where the layout says so.")


class SamplePage(BaseModel):
    """Some of the images, in order."""

    total: int = Field(description="How many there are.", ge=0)
    samples: list[SampleEntry] = Field(description="Those from `offset` on.")
