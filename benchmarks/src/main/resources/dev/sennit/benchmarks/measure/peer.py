"""A peer that is measured from outside: python3 peer.py KIND.

It opens an executor, or what else is of that kind, says "ready", and then answers each line on standard input with one line: "ok" and
the seconds it measured, or "error" and why. It measures inside, so neither its own start nor the line counts.
"""
import asyncio
import functools
import gc
import math
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.shared_memory import ShareableList, SharedMemory

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


class Channel:
    """Carries messages to a process and back."""

    def __init__(self, kind, stop=None):
        self.kind = kind
        self.stop = stop  # the message that ends the process

    def start(self, target, *arguments):
        send, receive, *theirs = self.open()
        process = multiprocessing.Process(target=target, args=(*theirs, *arguments), daemon=True)
        process.start()
        return send, receive, process

    def open(self):
        """How to send and receive here, and how to receive and send there."""
        if self.kind == 'Pipe':
            here, there = multiprocessing.Pipe()
            if self.stop is None:
                return here.send, here.recv, there.recv, there.send
            return here.send_bytes, here.recv_bytes, there.recv_bytes, there.send_bytes
        requests, answers = (getattr(multiprocessing, self.kind)() for _ in range(2))
        return requests.put, answers.get, requests.get, answers.put

    def close(self):
        pass


class EchoServer:
    """Sends back what it receives, by streams, in a thread of its own."""

    def __init__(self, factory):
        listening = Future()
        threading.Thread(target=self.run, args=(factory, listening), daemon=True).start()
        self.port = listening.result()

    def run(self, factory, listening):
        async def main():
            try:
                server = await asyncio.start_server(self.echo, '127.0.0.1', 0)
                listening.set_result(server.sockets[0].getsockname()[1])
            except BaseException as e:
                listening.set_exception(e)
                raise
            await server.serve_forever()
        with asyncio.Runner(loop_factory=factory()) as runner:
            runner.run(main())

    async def echo(self, reader, writer):
        while message := await reader.read(4096):
            writer.write(message)
            await writer.drain()
        writer.close()

    def close(self):
        pass


def uvloop_factory():
    import uvloop
    return uvloop.new_event_loop


LOOPS = {'asyncio': lambda: asyncio.new_event_loop, 'uvloop': uvloop_factory}


class ManagerDict:
    def __init__(self):
        self.manager = multiprocessing.Manager()
        self.dict = self.manager.dict(key=1)

    def close(self):
        self.manager.shutdown()


KINDS = {
    'sequential': Sequential,
    'threads': lambda: Executor(ThreadPoolExecutor(WORKERS)),
    'Pool': MultiprocessingPool,
    'ProcessPoolExecutor': lambda: Executor(ProcessPoolExecutor(WORKERS)),
    'loky': loky,
    'Pipe': lambda: Channel('Pipe'),
    'Pipe-bytes': lambda: Channel('Pipe', b''),
    'SimpleQueue': lambda: Channel('SimpleQueue'),
    'Queue': lambda: Channel('Queue'),
    'Manager': ManagerDict,
    **{f'echo-{loop}': functools.partial(EchoServer, factory) for loop, factory in LOOPS.items()},
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


def trips(channel, size, count):
    send, receive, process = channel.start(peer_tasks.echo)
    message = os.urandom(size)

    def trip():
        send(message)
        receive()

    for _ in range(min(count, 50)):
        trip()
    measured = [seconds(trip) for _ in range(count)]
    send(channel.stop)
    process.join()
    return measured


def one_way(channel, size, count):
    send, receive, process = channel.start(peer_tasks.produce, size, 1 + count)

    def receive_all():
        for _ in range(count):
            receive()

    receive()
    measured = seconds(receive_all)
    send(channel.stop)
    process.join()
    return [measured]


def port(server):
    return [server.port]


def dict_get(manager, count):
    return [seconds(lambda: manager.dict['key']) for _ in range(count)]


def dict_set(manager, count):
    def put(i):
        manager.dict['key'] = i

    return [seconds(lambda: put(i)) for i in range(count)]


def process(method):
    """A process that does nothing, from its start to its end."""
    context = multiprocessing.get_context(method)

    def start_and_join():
        started = context.Process(target=peer_tasks.nothing)
        started.start()
        started.join()

    return [seconds(start_and_join)]


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


def each(work, shared, count):
    """Seconds of one of so many."""
    return [seconds(lambda: work(shared, count)) / count]


def by_two(work, shared, count):
    """Seconds of one, while two processes do so many each; their own clocks tell, as this process may wake up late."""
    barrier = multiprocessing.Barrier(2)
    times = multiprocessing.SimpleQueue()
    processes = [
        multiprocessing.Process(target=peer_tasks.together, args=(barrier, times, work, shared, count), daemon=True)
        for _ in range(2)
    ]
    for one in processes:
        one.start()
    begun, ended = zip(*(times.get() for _ in processes))
    for one in processes:
        one.join()
    return [(max(ended) - min(begun)) / (2 * count)]


def on_list(work, count):
    shared = ShareableList([1, 2.0, 'three'])
    try:
        return each(work, shared, count)
    finally:
        shared.shm.close()
        shared.shm.unlink()


def on_memory(work, count):
    memory = SharedMemory(create=True, size=8 * peer_tasks.NUMBERS)
    try:
        with memory.buf.cast('q') as numbers:
            return each(work, numbers, count)
    finally:
        memory.close()
        memory.unlink()


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


def crash_holder(lock, bound_seconds):
    """Seconds from the kill of the process that has the lock until somebody else has it, as far as that is within the bound."""
    has_it = multiprocessing.Event()
    holder = multiprocessing.Process(target=peer_tasks.lock_and_sleep, args=(lock, has_it), daemon=True)
    holder.start()
    has_it.wait()
    killed = time.perf_counter()
    os.kill(holder.pid, signal.SIGKILL)
    freed = lock.acquire(True, bound_seconds)
    measured = time.perf_counter() - killed
    holder.join()
    return [measured if freed else NEVER]


def crash_manager_holder(bound_seconds):
    with multiprocessing.Manager() as manager:
        return crash_holder(manager.Lock(), bound_seconds)


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


# ---- thumbnails: of the files that photos.txt names, beside this file ----

def photographs():
    with open(os.path.join(os.path.dirname(__file__), 'photos.txt'), encoding='utf-8') as f:
        return f.read().splitlines()


def thumbnails(executor, draft):
    work = peer_tasks.thumbnails_draft if draft else peer_tasks.thumbnails_as_taught
    return [seconds(lambda: executor.map(work, photographs(), 1))]


def likeness(executor, draft):
    """Mean and least PSNR of the PNG files beside this one, or of what draft decoding makes, against Lanczos over all pixels."""
    return peer_tasks.likeness(photographs(), None if draft else os.path.dirname(__file__))


def memory(executor):
    """The most that was resident, in bytes; getrusage would count what the parent had when it forked."""
    try:
        with open('/proc/self/status', encoding='utf-8') as f:
            return [int(line.split()[1]) * 1024 for line in f if line.startswith('VmHWM:')]
    except FileNotFoundError:
        return [math.nan]


def coroutines(factory, body):
    """Seconds of each of the things that are done so many times; see CoroutinesExperiment."""
    def measure(count):
        async def main():
            start = time.perf_counter()
            await body(count)
            return time.perf_counter() - start
        with asyncio.Runner(loop_factory=factory()) as runner:
            return [runner.run(main()) / count]
    return measure


async def spawn_coroutines(count):
    async def nothing():
        pass
    await asyncio.gather(*[asyncio.create_task(nothing()) for _ in range(count)])


async def yield_coroutines(count):
    async def yielder():
        for _ in range(count // 10):
            await asyncio.sleep(0)
    await asyncio.gather(*[yielder() for _ in range(10)])


async def queue_coroutines(count):
    queue = asyncio.Queue(1000)

    async def producer():
        for i in range(count):
            await queue.put(i)

    async def consumer():
        for _ in range(count):
            await queue.get()
    await asyncio.gather(producer(), consumer())


async def ping_coroutines(count):
    there, back = asyncio.Queue(1), asyncio.Queue(1)

    async def other():
        for _ in range(count):
            await back.put(await there.get())
    echo = asyncio.create_task(other())
    for i in range(count):
        await there.put(i)
        await back.get()
    await echo


async def sleep_coroutines(count):
    await asyncio.gather(*[asyncio.sleep(0.1) for _ in range(count)])


async def cancel_coroutines(count):
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def release(count, while_parked):
    """Seconds from setting the event that so many wait for to the end of all."""
    event = asyncio.Event()

    async def park():
        await event.wait()
    tasks = [asyncio.create_task(park()) for _ in range(count)]
    await asyncio.sleep(0)
    while_parked()
    begun = time.perf_counter()
    event.set()
    for task in tasks:
        await task
    return time.perf_counter() - begun


def resident():
    """Bytes; all that Python tells, which frees and takes small pieces within what it once had."""
    with open('/proc/self/statm') as memory:
        return int(memory.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def parked(factory):
    """Bytes of one of so many that wait: all that can be told is what is resident, and that the first time; see ParkingPlace."""
    def measure(count):
        taken = []

        def look():
            gc.collect()
            taken.append(resident() - before)
        with asyncio.Runner(loop_factory=factory()) as runner:
            runner.run(release(100, lambda: None))
            gc.collect()
            before = resident()
            runner.run(release(count, look))
        return [taken[0] / count] * 3
    return measure


def wake(factory):
    """Seconds of one of so many that are woken, so many times; see ParkingPlace."""
    def measure(count, times):
        with asyncio.Runner(loop_factory=factory()) as runner:
            return [runner.run(release(count, lambda: None)) / count for _ in range(times)]
    return measure


BODIES = {
    'spawn': spawn_coroutines,
    'yield': yield_coroutines,
    'queue': queue_coroutines,
    'ping': ping_coroutines,
    'sleep': sleep_coroutines,
    'cancel': cancel_coroutines,
}

ON_WHAT_IS_OPEN = {
    f.__name__: f
    for f in (primes, latency, tasks, to_worker, from_worker, both_ways, trips, one_way, dict_get, dict_set, port, thumbnails, likeness, memory)
}
ALONE = {
    'start-fork': lambda: start('fork'),
    'start-forkserver': lambda: start('forkserver'),
    'start-spawn': lambda: start('spawn'),
    'process-fork': lambda: process('fork'),
    'process-forkserver': lambda: process('forkserver'),
    'process-spawn': lambda: process('spawn'),
    'lock': lambda count: each(peer_tasks.lock_and_unlock, multiprocessing.Lock(), count),
    'lock-two': lambda count: by_two(peer_tasks.lock_and_unlock, multiprocessing.Lock(), count),
    'value': lambda count: each(peer_tasks.add_under_lock, multiprocessing.Value('q', 0), count),
    'value-two': lambda count: by_two(peer_tasks.add_under_lock, multiprocessing.Value('q', 0), count),
    'list-get': lambda count: on_list(peer_tasks.get_element, count),
    'list-set': lambda count: on_list(peer_tasks.set_element, count),
    'memory-get': lambda count: on_memory(peer_tasks.get_numbers, count),
    'memory-set': lambda count: on_memory(peer_tasks.set_numbers, count),
    'crash-lock': lambda bound_seconds: crash_holder(multiprocessing.Lock(), bound_seconds),
    'crash-manager-lock': crash_manager_holder,
    'crash-executor': crash_executor,
    'crash-pool': crash_pool,
    **{f'{loop}-{what}': coroutines(factory, body) for loop, factory in LOOPS.items() for what, body in BODIES.items()},
    **{f'{loop}-parked': parked(factory) for loop, factory in LOOPS.items()},
    **{f'{loop}-wake': wake(factory) for loop, factory in LOOPS.items()},
    'drift-last_started': lambda *words: drift('last_started', *words),
    'drift-last_finished': lambda *words: drift('last_finished', *words),
    'drift-aligned_last_finished': lambda *words: drift('aligned_last_finished', *words),
}


def serve(kind):
    opened = KINDS[kind]() if kind in KINDS else None
    if opened is None and kind != 'alone':
        raise SystemExit('unknown kind ' + kind)
    print('ready', flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        try:
            arguments = [int(word) for word in words]
            if opened is not None:
                measured = ON_WHAT_IS_OPEN[name](opened, *arguments)
            else:
                measured = ALONE[name](*arguments)
            print('ok', *map(repr, measured), flush=True)
        except Exception as e:
            print('error', type(e).__name__, e, flush=True)
    if opened is not None:
        opened.close()


if __name__ == '__main__':
    serve(sys.argv[1])
