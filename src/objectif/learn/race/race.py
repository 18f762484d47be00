"""The race: cheap candidates first, every loss on the best features, then what the budget still allows.

The order of the stages is the plan; the queue and the clock do the rest. All candidates see the same folds, every
trial is written down when it ends, and whatever happens (time up, Ctrl-C, a crash of a trial) the board so far is a
valid race from which a winner can be delivered.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from objectif import plugins
from objectif.errors import ProblemError, TrialError
from objectif.learn.models import find, find_model, for_task
from objectif.learn.models.base import Learner, Model
from objectif.learn.race.board import Board, Cost
from objectif.learn.race.candidate import PLAIN, Candidate
from objectif.learn.race.evidence import worth_trying
from objectif.learn.race.executor import LESSON, WORK, Event, Executor, Job
from objectif.learn.race.folds import Speed
from objectif.learn.race.ground import Ground
from objectif.learn.race.learning import learn
from objectif.learn.race.notes import Notes
from objectif.learn.race.show import Show
from objectif.learn.race.tuning import fine_tune, worth_tuning
from objectif.learn.race.views import judge_views, learn_from_views
from objectif.problem import Problem

Handler = Callable[[Event], None]
SHORT = 100.0
"""Seconds of budget below which only the cheapest models take part."""
CHEAP = ("colour", "texture", "hog", "hog_centre", "lbp", "lite0", "lite0_levels")
BASE = (*CHEAP, "lite2", "lite2_levels")


@dataclass
class Race:
    """One race on its ground. `deadline` is on the journal's clock (seconds of racing), `reserve` for delivering."""

    problem: Problem
    ground: Ground
    board: Board
    executor: Executor
    show: Show
    deadline: float
    reserve: float
    notes: Notes = field(init=False)
    symmetries: tuple[str, ...] = ()
    speeds: dict[Candidate, Speed] = field(default_factory=dict)
    paces: dict[str, float] = field(default_factory=dict)
    losses_by_view: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    files: dict[tuple[str, int, str, str], Path] = field(default_factory=dict)
    _queue: list[tuple[Job, Handler]] = field(default_factory=list)
    _handlers: dict[str, Handler] = field(default_factory=dict)
    tuned: Candidate | None = None
    stopped: bool = False
    _beat: float = 0.0
    _born: float = 0.0

    def __post_init__(self) -> None:
        self.notes = Notes(self.board.journal)
        self.work = self.ground.context.work
        self.context_file = self.work / "context.pkl"
        self.context_file.write_bytes(pickle.dumps(self.ground.context))
        (self.work / "heads").mkdir(exist_ok=True)
        self.default_loss = self._default_loss()
        self._born = self.now()
        for event in self.board.journal.events:  # what an earlier sitting has decided
            if event["event"] == "views":
                self.symmetries = tuple(event["symmetries"])
            elif event["event"] == "tune":
                self.tuned = Candidate(**event["candidate"])
                self.speeds[self.tuned] = Speed(**event["speed"])

    def _default_loss(self) -> str:
        usual = "bce" if self.ground.dataset.multilabel else "cross_entropy"
        if self.problem.losses == "auto" or usual in self.problem.losses:
            return usual
        return str(self.problem.losses[0])

    # the clock and the queue

    def now(self) -> float:
        """Seconds of racing so far."""
        return self.board.journal.elapsed()

    def left(self) -> float:
        """Seconds until delivering must begin."""
        return self.deadline - self.reserve - self.now()

    def interrupt(self) -> None:
        """End all jobs; what needs long training to be delivered leaves the board."""
        self.executor.stop()
        self._queue.clear()
        self._handlers.clear()
        self.stopped = True
        for candidate in [
            c for c in self.board.scores if c.epochs and not isinstance(find(c.model), Learner)
        ]:
            del self.board.scores[candidate]
            self.board.drop(candidate, 1, "stopped before it could be trained on all images")

    def push(self, job: Job, handler: Handler) -> None:
        """Queue a job; its events go to `handler`."""
        self._queue.append((job, handler))

    def drain(self, until: float) -> None:
        """Run the queue; at `until` (journal's clock) what has not started is dropped, what runs may end.

        What still runs after a grace of a tenth of the budget, or when delivering must begin, is stopped. As long as
        nothing is scored the queue goes on: a race always ends with a Solution.
        """
        hard = min(until + 0.1 * self.problem.budget, self.deadline - self.reserve)
        hard = max(hard, until) if until > self.deadline - self.reserve else hard
        last = max(
            self.deadline - 0.5 * self.reserve, self._born + 30.0
        )  # late resumes get their one head too
        cut = False
        while self._queue or self._handlers:
            if self.now() > until and not cut and (self.board.scores or self.now() > hard):
                self._queue.clear()
                cut = True
            if self.now() > hard and (self.board.scores or self.now() > last):
                self.executor.stop()
                self._queue.clear()
                self._handlers.clear()
                return
            self._start_what_fits()
            for event in self.executor.events(0.5):
                handler = self._handlers[event.job.name]
                if event.kind != "message":
                    del self._handlers[event.job.name]
                handler(event)
            self._tick()

    def _tick(self) -> None:
        """Show the state; a line in the journal now and then keeps the clock true for a resume after a kill."""
        self.show.tick(self.board, list(self._handlers), self.left())
        if self.now() - self._beat > 5:
            self._beat = self.now()
            self.board.journal.append("tick", status="running", running=list(self._handlers))

    def _start_what_fits(self) -> None:
        while self._queue:
            job, handler = self._queue[0]
            if self.executor.busy() and self.executor.busy() + job.threads > self.executor.cores:
                return
            self._queue.pop(0)
            self._handlers[job.name] = handler
            self.executor.submit(job)

    # stages

    def run(self) -> None:
        """All stages, each within its share of the time that is left."""
        models, learners = self.named(Model), self.named(Learner)
        left_out = self._left_out(models + learners)
        if not models and not learners:
            raise ProblemError(
                f"models = {self.problem.models!r}: none takes part in a race of the task {self.problem.task!r} "
                f"({'; '.join(left_out) or 'none is installed'}). Expected one that fits; `objectif list models` shows "
                "them, and models = 'auto' takes them."
            )
        self.notes.extend(f"{said}; it takes no part." for said in left_out)
        if models:
            self._on_features()
        if learners:
            learn(self)

    def _on_features(self) -> None:
        """Heads on fixed features, and what comes of them."""
        cheap_until = self.now() + self.left() * (0.45 if self.problem.budget >= SHORT else 1.0)
        self.show.stage("features and first heads")
        self.first(self.models(), self._until(cheap_until, 0.6))
        tunes = "finetune" in self.problem.approaches and (self.tuned is not None or worth_tuning(self))
        if not tunes:
            cheap_until = self.now() + self.left()
            if "finetune" in self.problem.approaches:
                self.notes.append(
                    "Fine-tuning was left out: the budget is too short for it. A longer --budget includes it."
                )
        self.show.stage("features side by side")
        self.first(self._beside(), self._until(cheap_until, 0.6))
        self.show.stage("every loss on the best features")
        self.losses(self._until(cheap_until, 0.7))
        if self.problem.budget >= SHORT:
            self.show.stage("views and preparations")
            self.treatments(cheap_until)
        if tunes:
            self.show.stage("fine-tuning")
            fine_tune(self)

    def _until(self, end: float, share: float) -> float:
        return self.now() + max(1.0, (end - self.now()) * share)

    def named(self, kind: type[Model] | type[Learner]) -> list[str]:
        """Models of one kind that answer what is asked, of the approaches that may take part."""
        names = plugins.names("models") if self.problem.models == "auto" else self.problem.models
        found = []
        for name in (for_task(str(one), self.problem.task) for one in names):
            one = find(name)
            fits = isinstance(one, kind) and one.task == self.problem.task
            if fits and one.approach in self.problem.approaches:
                found.append(name)
        return found

    def _left_out(self, taken: list[str]) -> list[str]:
        """Why models that the statement names are not among those that take part."""
        asked = () if self.problem.models == "auto" else [str(m) for m in self.problem.models]
        reasons = []
        for name in (m for m in asked if for_task(m, self.problem.task) not in taken):
            one = find(name)
            same = one.task == self.problem.task
            other = f"approach {one.approach!r}" if same else f"task {one.task!r}"
            reasons.append(f"{name} is of the {other}")
        return reasons

    def models(self) -> list[str]:
        """Names of the models with fixed features that take part, cheap ones first."""
        wanted = self.named(Model)
        if self.problem.models == "auto":
            usual = CHEAP if self.problem.budget < SHORT else BASE
            wanted = [m for m in usual if m in wanted]
            if self.ground.context.channels != 3:
                wanted = [m for m in wanted if find_model(m).approach == "classical"]
            if self.ground.gray:
                wanted = [m for m in wanted if m != "colour"]
        return [m for m in wanted if find_model(m).approach != "finetune"]

    def side(self, model: str) -> int:
        """Pixels of the prepared image: what the model was made for, less where the pictures are much smaller."""
        known = find_model(model)
        if known.multiple == 1 or self.ground.side >= 0.4 * known.size:
            return known.size
        step = max(32, known.multiple)
        wanted = max(96, int(np.ceil(1.6 * self.ground.side / step)) * step)
        return min(known.size, wanted)

    def first(self, models: list[str], until: float) -> None:
        """Export, cost, features and a head with the usual loss for each of these models."""
        for name in models:
            candidate = Candidate(find_model(name).approach, name, self.default_loss, side=self.side(name))
            self.board.order[candidate] = None
            if (name, candidate.side) not in self.board.costs:
                self.push(self._cost_job(candidate), self._on_cost(candidate))
            elif not self.board.over(candidate):
                self._first_head(candidate)
        self.drain(until)
        if not self.board.scores:
            self._nearest(until)

    def _nearest(self, until: float) -> None:
        """Where all break a limit, the one that breaks it least is scored: what is delivered is said to be infeasible."""
        over = {
            candidate: max(
                value / self.board.limits[name] for name, value in self.board.over(candidate).items()
            )
            for candidate in self.board.order
            if self.board.over(candidate)
        }
        if over:
            self._first_head(min(over, key=lambda c: over[c]))
            self.drain(until)

    def _first_head(self, candidate: Candidate) -> None:
        trials = [(candidate, self.problem.seed)]
        self.features(candidate, "plain", lambda: self.heads(candidate, trials))

    def _cost_job(self, candidate: Candidate) -> Job:
        arguments = {
            "context": self.context_file,
            "model": candidate.model,
            "side": candidate.side,
            "memory": "memory_mb" in self.board.limits,
        }
        # alone on the machine where a limit hangs on the latency; else beside others, to save time
        threads = self.executor.cores if "latency_ms" in self.board.limits else 1
        work, module = ("weigh", LESSON) if isinstance(find(candidate.model), Learner) else ("cost", WORK)
        name = f"cost {candidate.model}@{candidate.side}"
        return Job(name, work, arguments, threads=threads, module=module)

    def _on_cost(self, candidate: Candidate) -> Handler:
        def handle(event: Event) -> None:
            if event.kind == "failed":
                self.board.fail(candidate, None, event.payload)
            elif event.kind == "done":
                self.board.weigh(candidate, Cost(**event.payload))
                if not self.board.over(candidate):
                    self._first_head(candidate)

        return handle

    def weigh(self, candidate: Candidate) -> None:
        """Queue the measurement of a candidate's cost alone."""

        def handle(event: Event) -> None:
            if event.kind == "done":
                self.board.weigh(candidate, Cost(**event.payload))
            elif event.kind == "failed":
                self.board.fail(candidate, None, event.payload)

        if (candidate.model, candidate.side) not in self.board.costs:
            self.push(self._cost_job(candidate), handle)

    def need(self, candidate: Candidate, views: tuple[str, ...]) -> dict[str, Path]:
        """view -> file of a candidate's features, computed where they are not there (after a resume)."""
        for view in views:
            self.features(candidate, view, lambda: None)
        self.drain(self.now() + 300.0)
        missing = [view for view in views if self.key(candidate, view) not in self.files]
        if missing:
            raise TrialError(
                f"the features of {candidate.id} could not be computed again ({', '.join(missing)})"
            )
        return {view: self.files[self.key(candidate, view)] for view in views}

    def features(self, candidate: Candidate, view: str, then: Callable[[], None]) -> None:
        """Compute the features of a candidate's images in one view, unless they are there; then go on."""
        key = self.key(candidate, view)
        if key in self.files:
            then()
            return
        step = candidate.preparation
        target = self.work / (
            "features-" + "-".join(str(k) for k in key).replace("/", "_").replace(":", "_") + ".npy"
        )
        if target.exists():
            self.files[key] = target
            then()
            return
        arguments = {
            "context": self.context_file,
            "model": candidate.model,
            "side": candidate.side,
            "step": step,
            "view": view,
            "threads": 1,
            "target": target,
        }

        def handle(event: Event) -> None:
            if event.kind == "failed":
                self.board.fail(candidate, None, event.payload)
            elif event.kind == "done":
                self.files[key] = target
                then()

        name = f"features {key[0]}@{candidate.side} {step} {view}"
        if name not in self._handlers and all(job.name != name for job, _ in self._queue):
            self._queue.insert(0, (Job(name, "extract", arguments), handle))
        else:  # two models share these features; wait for the other's job
            self._after(name, candidate, then)

    def _after(self, name: str, candidate: Candidate, then: Callable[[], None]) -> None:
        """Do something more when a running or queued job is done; fail with it."""

        def chain(before: Handler) -> Handler:
            def handle(event: Event) -> None:
                before(event)
                if event.kind == "done":
                    then()
                elif event.kind == "failed":
                    self.board.fail(candidate, None, event.payload)

            return handle

        if name in self._handlers:
            self._handlers[name] = chain(self._handlers[name])
        self._queue = [(j, chain(h) if j.name == name else h) for j, h in self._queue]

    def key(self, candidate: Candidate, view: str) -> tuple[str, int, str, str]:
        """What the features of a candidate are kept under: models that share an extractor share it."""
        return (find_model(candidate.model).features, candidate.side, candidate.preparation, view)

    def heads(
        self, like: Candidate, trials: list[tuple[Candidate, int]], views: tuple[str, ...] = ()
    ) -> None:
        """Queue heads on the features of `like`, in portions so that none is lost for long."""
        todo = [(c, s) for c, s in trials if not self.board.recall(c, s)]
        files = {view: self.files[self.key(like, view)] for view in ("plain", *views)}
        for start in range(0, len(todo), 12):
            portion = todo[start : start + 12]
            name = f"heads {like.model} {like.treatment} {portion[0][0].loss}..{portion[-1][0].loss} {portion[0][1]} {start}"
            self._portion(name, files, portion)

    def _portion(self, name: str, files: dict[str, Path], trials: list[tuple[Candidate, int]]) -> None:
        """Queue some heads for one process; where it dies, the trial it died of fails and the others go on."""

        def handle(event: Event) -> None:
            if event.kind == "message":
                self._on_head(event.payload)
            elif event.kind == "failed":
                still = [(c, s) for c, s in trials if s not in self.board.scores.get(c, {})]
                for candidate, seed in still[:1]:
                    self.board.fail(candidate, seed, event.payload)
                if still[1:] and self.left() > 0:
                    self._portion(f"{name} again", files, still[1:])

        arguments = {
            "context": self.context_file,
            "features": files,
            "candidates": trials,
            "folder": self.work / "heads",
        }
        self.push(Job(name, "heads", arguments), handle)

    def _on_head(self, found: dict[str, Any]) -> None:
        if "failed" in found:
            self.board.fail(found["candidate"], found["seed"], found["failed"])
            return
        path: Path = found["scores"]
        self.board.add(found["candidate"], found["seed"], np.load(path), found["seconds"])
        path.unlink()

    def best(self, count: int = 1) -> list[Candidate]:
        """The best candidates on fixed features as they are (usual loss, plain images), within the limits."""
        plain = [c for c in self.board.ranked() if c.preparation == PLAIN and not c.views and not c.epochs]
        return [c for c in plain if c.loss == self.default_loss][:count]

    def _beside(self) -> list[str]:
        """Extractors worth putting side by side: the best operators, the best trunks, and both together."""
        if self.problem.models != "auto" or self.problem.budget < SHORT:
            return []
        ranked = self.best(20)
        deep = [c.model for c in ranked if c.approach == "frozen" and c.model.endswith("_levels")]
        operators = [c.model for c in ranked if c.approach == "classical"]
        found = []
        if len(operators) > 1:
            found.append("+".join(operators[:3]))
        if len(deep) > 1:
            found.append("+".join(deep[:2]))
        if deep and operators:
            found.append(f"{deep[0]}+{operators[0]}")
            found.append("+".join([*deep[:2], *operators[:2]]))
        return list(dict.fromkeys(found))

    def loss_names(self) -> list[str]:
        """The losses that fit the truth, the usual one first."""
        if self.problem.losses != "auto":
            return [str(name) for name in self.problem.losses]
        kind = "multi" if self.ground.dataset.multilabel else "single"
        fitting = [n for n in plugins.names("losses") if plugins.load("losses", n).kind == kind]
        return sorted(fitting, key=lambda n: n != self.default_loss)

    def losses(self, until: float) -> None:
        """Every loss on the two best models, the usual loss on every model, over all seeds: complete blocks."""
        seeds = [self.problem.seed + k for k in range(self.problem.seeds)]
        leaders = self.best(2)
        for seed in seeds:
            for place, leader in enumerate(leaders):
                row = [
                    Candidate(leader.approach, leader.model, loss, side=leader.side)
                    for loss in self.loss_names()
                ]
                self.heads(leader, [(c, seed) for c in row])
                if place == 0:
                    for other in self.best(50)[2:]:
                        self.heads(other, [(other, seed)])
        self.drain(until)

    def treatments(self, until: float) -> None:
        """Mirrored and turned copies where they keep the class, and preparations where the pictures call for them."""
        leaders = self.best(2)
        if not leaders:
            return
        leader = leaders[0]
        judge_views(self, leader, until)
        learn_from_views(self, leader, until)
        for step in self._steps():
            candidate = Candidate(leader.approach, leader.model, self.default_loss, step, leader.side)
            self.board.order[candidate] = None
            trials = [(candidate, self.problem.seed + k) for k in range(self.problem.seeds)]
            self.features(candidate, "plain", lambda c=candidate, t=trials: self.heads(c, t))  # type: ignore[misc]
        self.drain(until)
        for other in leaders[1:]:
            learn_from_views(self, other, until)
            self.drain(until)

    def _steps(self) -> list[str]:
        if self.problem.preparations != "auto":
            return [p for p in self.problem.preparations if p != PLAIN]
        steps, why = worth_trying(self.ground.looks)
        self.notes.extend(why)
        return steps
