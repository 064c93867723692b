"""Celery on Redis, or on RabbitMQ with its results in Redis: its tasks, which the worker imports from here, and a submitter that measures when it is asked to.

The submitter says "ready" once the worker answers, and then answers each line with one line, as peer.py does.
"""
import os
import sys
import time

import redis

try:
    import celery
except ImportError:  # peer_rq.py takes the rest of this
    celery = None

URI = os.environ['SENNIT_BENCHMARK_REDIS']
BROKER = os.environ.get('SENNIT_BENCHMARK_BROKER', URI)
NAME = 'a task that does nothing'
LIMIT_SECONDS = 120

if celery:
    app = celery.Celery('queues', broker=BROKER, backend=URI)
    app.conf.update(task_acks_late=True)

    @app.task(name='noop')
    def noop(item):
        return {'number': item['number'], 'name': item['name']}

    @app.task(name='stamp')
    def stamp(item):
        return time.monotonic_ns()


def item(number):
    return {'number': number, 'name': NAME}


def remove(store, queue):
    """Removes the messages of a queue that nobody takes, and returns how many there were."""
    if BROKER == URI:
        there = store.llen(queue)
        store.delete(queue)
        return there
    with app.connection_for_write() as connection:
        return connection.default_channel.queue_purge(queue)


def run(store, count):
    """A result is a key, and what has come and is not acknowledged stands under two more."""
    while store.exists('celery', 'unacked', 'unacked_index'):
        time.sleep(0.002)
    before = store.dbsize()
    start = time.monotonic()
    for number in range(count):
        noop.delay(item(number))
    while store.exists('celery', 'unacked') or store.dbsize() < before + count:
        if time.monotonic() - start > LIMIT_SECONDS:
            raise TimeoutError(f'{store.dbsize() - before} of {count} tasks have ended')
        time.sleep(0.002)
    return [time.monotonic() - start]


def enqueue(store, count, batch):
    start = time.monotonic()
    for first in range(0, count, batch):
        if batch == 1:
            noop.apply_async((item(first),), queue='held')
        else:
            signatures = [noop.s(item(number)) for number in range(first, min(count, first + batch))]
            celery.group(signatures).apply_async(queue='held')
    seconds = time.monotonic() - start
    there = remove(store, 'held')
    if there != count:
        raise ValueError(f'{there} of {count} tasks are there')
    return [seconds]


def percentile(samples, percent):
    return sorted(samples)[max(0, -(-len(samples) * percent // 100) - 1)]


def latency(store, count, pause_millis):
    begins = []
    results = []
    for number in range(count):
        time.sleep(pause_millis / 1000)
        start = time.monotonic_ns()
        begun = stamp.delay(item(number)).get(timeout=LIMIT_SECONDS)
        results.append((time.monotonic_ns() - start) / 1e9)
        begins.append((begun - start) / 1e9)
    return [percentile(samples, percent) for samples in (begins, results) for percent in (50, 99)]


REQUESTS = {'run': run, 'enqueue': enqueue, 'latency': latency}


def serve(store, requests):
    print('ready', flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        try:
            print('ok', *map(repr, requests[name](store, *map(int, words))), flush=True)
        except Exception as e:
            print('error', type(e).__name__, e, flush=True)


if __name__ == '__main__':
    redis_store = redis.Redis.from_url(URI)
    latency(redis_store, 1, 0)
    serve(redis_store, REQUESTS)
