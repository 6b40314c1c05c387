"""Readers together, a writer alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from retrievers.vector.lock import SharedLock

PATIENCE = 10  # seconds until a deadlock is called one


def test_readers_are_inside_together() -> None:
    lock, both = SharedLock(), threading.Barrier(2, timeout=PATIENCE)

    def read() -> None:
        with lock.reading():
            both.wait()  # broken unless the other one is inside as well

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(read), pool.submit(read)]:
            done.result(PATIENCE)


def test_a_writer_waits_for_readers_and_later_readers_for_it() -> None:
    lock, order = SharedLock(), list[str]()
    inside, leave = threading.Event(), threading.Event()

    def first_reader() -> None:
        with lock.reading():
            inside.set()
            assert leave.wait(PATIENCE)
            order.append("first reader")

    def writer() -> None:
        with lock.writing():
            order.append("writer")

    def late_reader() -> None:
        with lock.reading():
            order.append("late reader")

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(first_reader)
        assert inside.wait(PATIENCE)
        second = pool.submit(writer)
        while not lock._waiting:
            pass
        third = pool.submit(late_reader)
        leave.set()
        for done in (first, second, third):
            done.result(PATIENCE)
    assert order == ["first reader", "writer", "late reader"]


def test_writers_exclude_each_other() -> None:
    lock, total = SharedLock(), [0]

    def add() -> None:
        for _ in range(200):
            with lock.writing():
                seen = total[0]
                with lock_free:
                    pass
                total[0] = seen + 1

    lock_free = threading.Lock()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(add) for _ in range(4)]:
            done.result(PATIENCE)
    assert total == [800]


def test_an_error_inside_releases_the_lock() -> None:
    lock = SharedLock()
    for entered in (lock.reading, lock.writing):
        try:
            with entered():
                raise KeyError
        except KeyError:
            pass
    with lock.writing():
        pass
