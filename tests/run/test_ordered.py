"""ordered(): the order is kept, little is read ahead, errors stand in their place, nothing hangs."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator

import pytest

from objectif.run.ordered import ordered


def double(pairs: list[tuple[int, int]]) -> list[int]:
    time.sleep(random.random() / 2000)
    return [2 * item for _, item in pairs]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_results_come_in_order(workers: int, batch: int, count: int) -> None:
    assert list(ordered(double, range(count), workers=workers, batch=batch)) == [2 * k for k in range(count)]


def test_items_are_numbered() -> None:
    def number(pairs: list[tuple[int, str]]) -> list[int]:
        return [n for n, _ in pairs]

    assert list(ordered(number, "abcdefg", workers=2, batch=3)) == list(range(7))


def test_an_endless_iterable_is_read_a_bounded_way_ahead() -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for k in itertools.count():
            read.append(k)
            yield k

    results = ordered(double, source(), workers=2, batch=2, window=10)
    for expected in range(0, 60, 2):
        assert next(results) == expected
    time.sleep(0.05)
    assert len(read) <= 30 + 10 + 1
    results.close()


def test_a_result_does_not_wait_for_the_next_item() -> None:
    more = threading.Event()

    def source() -> Iterator[int]:
        yield from (1, 2, 3)
        assert more.wait(10)
        yield 4

    results = ordered(double, source(), workers=2, batch=2)
    assert [next(results) for _ in range(3)] == [2, 4, 6]  # would block here for ten seconds
    more.set()
    assert list(results) == [8]


def test_closing_does_not_wait_for_an_iterable_that_blocks() -> None:
    blocked = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        blocked.wait(30)

    results = ordered(double, source(), workers=2)
    assert next(results) == 2
    start = time.perf_counter()
    results.close()
    assert time.perf_counter() - start < 5
    blocked.set()


def test_closing_waits_for_work_that_runs() -> None:
    finished = []

    def slow(pairs: list[tuple[int, int]]) -> list[int]:
        if pairs[0][0] > 0:
            time.sleep(0.2)
            finished.append(pairs[0][0])
        return [item for _, item in pairs]

    results = ordered(slow, range(2), workers=2)
    next(results)
    time.sleep(0.05)
    results.close()
    assert finished == [1]


def test_an_exception_of_the_iterable_comes_after_the_results_before_it() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise ValueError("no more")

    results = ordered(double, source(), workers=3, batch=2)
    assert [next(results) for _ in range(5)] == [0, 2, 4, 6, 8]
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_an_exception_of_the_work_stands_in_its_place() -> None:
    def picky(pairs: list[tuple[int, int]]) -> list[int]:
        if any(item == 6 for _, item in pairs):
            raise ArithmeticError("six")
        return [item for _, item in pairs]

    found = ordered(picky, range(100), workers=3)
    assert [next(found) for _ in range(6)] == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ArithmeticError, match="six"):
        next(found)


def test_work_that_gives_another_number_of_results_is_an_error_and_no_hang() -> None:
    for wrong in ([], [1, 2, 3]):
        with pytest.raises(ValueError, match="zip"):
            list(ordered(lambda pairs, wrong=wrong: wrong, range(10), workers=2))


def test_no_thread_stays_behind() -> None:
    before = threading.active_count()
    for _ in range(20):
        list(ordered(double, range(10), workers=4))
        next(ordered(double, itertools.count(), workers=4))
    deadline = time.perf_counter() + 5
    while threading.active_count() > before and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_work_may_answer_for_the_first_few_and_is_given_the_rest_again() -> None:
    calls = []

    def two_at_most(pairs: list[tuple[int, int]]) -> list[int]:
        calls.append(len(pairs))
        return [item * 10 for _, item in pairs[:2]]

    for workers in (1, 3):
        found = list(ordered(two_at_most, range(50), workers=workers, batch=5))
        assert found == [item * 10 for item in range(50)]
    assert max(calls) > 2


def test_long_work_is_told_that_nobody_wants_it_any_more() -> None:
    ended = threading.Event()

    def work(pairs: list[tuple[int, int]]) -> list[int]:
        return [item if item == 0 or ended.wait(20) else -1 for _, item in pairs]

    results = ordered(work, range(10), workers=2, stop=ended.set)
    assert next(results) == 0
    results.close()
    assert ended.is_set()
