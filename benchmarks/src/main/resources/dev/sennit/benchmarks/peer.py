"""A peer that is measured from outside: python3 peer.py KIND.

It opens an executor of that kind, says "ready", and then answers each line on standard input with one line: "ok" and
the seconds it measured, or "error" and why. It measures inside, so neither its own start nor the line counts.
"""
import math
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

import peer_tasks

WORKERS = 2
NEVER = -1.0


class Sequential:
    def call(self, function, argument):
        return function(argument)

    def map(self, function, items, chunk):
        return list(map(function, items))

    def close(self):
        pass


class MultiprocessingPool:
    def __init__(self):
        self.pool = multiprocessing.Pool(WORKERS)

    def call(self, function, argument):
        return self.pool.apply(function, (argument,))

    def map(self, function, items, chunk):
        return self.pool.map(function, items, chunksize=chunk)

    def close(self):
        self.pool.terminate()


class Executor:
    def __init__(self, executor):
        self.executor = executor

    def call(self, function, argument):
        return self.executor.submit(function, argument).result()

    def map(self, function, items, chunk):
        return list(self.executor.map(function, items, chunksize=chunk))

    def close(self):
        self.executor.shutdown()


def loky():
    from joblib.externals.loky import get_reusable_executor
    return Executor(get_reusable_executor(max_workers=WORKERS, timeout=3600))


KINDS = {
    'sequential': Sequential,
    'threads': lambda: Executor(ThreadPoolExecutor(WORKERS)),
    'Pool': MultiprocessingPool,
    'ProcessPoolExecutor': lambda: Executor(ProcessPoolExecutor(WORKERS)),
    'loky': loky,
}


def seconds(action):
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


# ---- what can be asked for; every argument is a whole number ----

def primes(executor, *numbers):
    return [seconds(lambda: executor.map(peer_tasks.is_prime, numbers, 1))]


def latency(executor, count, pause_micros):
    measured = []
    for i in range(count):
        if pause_micros:
            time.sleep(pause_micros / 1e6)
        measured.append(seconds(lambda: executor.call(peer_tasks.same, i)))
    return measured


def tasks(executor, count, chunk):
    return [seconds(lambda: executor.map(peer_tasks.same, range(count), chunk))]


def to_worker(executor, size, count):
    payload = os.urandom(size)
    return [seconds(lambda: executor.call(peer_tasks.length, payload)) for _ in range(count)]


def from_worker(executor, size, count):
    return [seconds(lambda: executor.call(peer_tasks.make, size)) for _ in range(count)]


def both_ways(executor, size, count):
    payload = os.urandom(size)
    return [seconds(lambda: executor.call(peer_tasks.same, payload)) for _ in range(count)]


def start(method):
    """A new pool of one worker to its first result."""
    context = multiprocessing.get_context(method)
    opened = []

    def open_and_ask():
        opened.append(context.Pool(1))
        opened[0].apply(peer_tasks.same, (1,))

    measured = seconds(open_and_ask)
    opened[0].terminate()
    return [measured]


def wait_for_pid(mark):
    while not os.path.exists(mark):
        time.sleep(0.001)
    with open(mark) as written:
        return int(written.read())


def crash_executor():
    """Seconds from the kill to the failed future, and to a result that a new executor, opened by hand, brings."""
    with tempfile.TemporaryDirectory() as folder:
        executor = ProcessPoolExecutor(1)
        victim = executor.submit(peer_tasks.begin_and_sleep, os.path.join(folder, 'begun'))
        pid = wait_for_pid(os.path.join(folder, 'begun'))
        killed = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        try:
            victim.result()
            raise AssertionError('the victim returned')
        except BrokenExecutor:
            failed = time.perf_counter()
        try:
            executor.submit(peer_tasks.same, 1)
            raise AssertionError('a broken executor took a task')
        except BrokenExecutor:
            pass
        executor.shutdown()
        with ProcessPoolExecutor(1) as replacement:
            replacement.submit(peer_tasks.same, 1).result()
            served = time.perf_counter()
    return [failed - killed, served - killed]


def crash_pool(bound_seconds):
    """The same for multiprocessing.Pool, as far as it comes within the bound; its worker is replaced by itself."""
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(1) as pool:
        victim = pool.apply_async(peer_tasks.begin_and_sleep, (os.path.join(folder, 'begun'),))
        pid = wait_for_pid(os.path.join(folder, 'begun'))
        behind = pool.apply_async(peer_tasks.same, (1,))
        killed = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        try:
            behind.get(timeout=bound_seconds)
            served = time.perf_counter() - killed
        except multiprocessing.TimeoutError:
            served = NEVER
        try:
            victim.get(timeout=max(0.001, bound_seconds - (time.perf_counter() - killed)))
            raise AssertionError('the victim returned')
        except multiprocessing.TimeoutError:
            failed = NEVER
    return [failed, served]


def drift(strategy, count, period_micros):
    """See DriftExperiment.figures."""
    from futurist import periodics
    period = period_micros / 1e6
    starts = []
    over = threading.Event()

    @periodics.periodic(spacing=period)
    def beat():
        starts.append(time.perf_counter())
        if len(starts) == count:
            over.set()
            raise periodics.NeverAgain('enough')

    worker = periodics.PeriodicWorker([(beat, (), {})], schedule_strategy=strategy)
    thread = threading.Thread(target=worker.start, daemon=True)
    thread.start()
    over.wait()
    worker.stop()
    thread.join()
    spacing = sorted(later - earlier for earlier, later in zip(starts, starts[1:]))
    return [
        starts[-1] - starts[0] - (count - 1) * period,
        statistics.median(spacing),
        spacing[max(0, math.ceil(len(spacing) / 100) - 1)],
        spacing[math.ceil(len(spacing) * 99 / 100) - 1],
    ]


ON_AN_EXECUTOR = {f.__name__: f for f in (primes, latency, tasks, to_worker, from_worker, both_ways)}
ALONE = {
    'start-fork': lambda: start('fork'),
    'start-forkserver': lambda: start('forkserver'),
    'start-spawn': lambda: start('spawn'),
    'crash-executor': crash_executor,
    'crash-pool': crash_pool,
    'drift-last_started': lambda *words: drift('last_started', *words),
    'drift-last_finished': lambda *words: drift('last_finished', *words),
    'drift-aligned_last_finished': lambda *words: drift('aligned_last_finished', *words),
}


def serve(kind):
    executor = KINDS[kind]() if kind in KINDS else None
    if executor is None and kind != 'alone':
        raise SystemExit('unknown kind ' + kind)
    print('ready', flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        try:
            arguments = [int(word) for word in words]
            if executor is not None:
                measured = ON_AN_EXECUTOR[name](executor, *arguments)
            else:
                measured = ALONE[name](*arguments)
            print('ok', *map(repr, measured), flush=True)
        except Exception as e:
            print('error', type(e).__name__, e, flush=True)
    if executor is not None:
        executor.close()


if __name__ == '__main__':
    serve(sys.argv[1])
