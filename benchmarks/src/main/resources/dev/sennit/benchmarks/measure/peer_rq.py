"""RQ on Redis: its functions, which the workers import from here, and a submitter that measures when it is asked to.

The submitter says "ready" once a worker answers, and then answers each line with one line, as peer.py does.
"""
import os
import sys
import time

import redis
import rq
from rq.serializers import JSONSerializer

import peer_queues

URI = os.environ['SENNIT_BENCHMARK_REDIS']
LIMIT_SECONDS = 120


def noop(item):
    return {'number': item['number'], 'name': item['name']}


def stamp(item):
    return time.monotonic_ns()


def result(job):
    start = time.monotonic()
    while not job.is_finished:
        if time.monotonic() - start > LIMIT_SECONDS:
            raise TimeoutError('a task has not ended')
        time.sleep(0.0005)
    return job.return_value()


def run(queue, count):
    store = queue.connection
    finished = 'rq:finished:' + queue.name
    before = store.zcard(finished)
    start = time.monotonic()
    for number in range(count):
        queue.enqueue('peer_rq.noop', peer_queues.item(number))
    while store.zcard(finished) < before + count:
        if time.monotonic() - start > LIMIT_SECONDS:
            raise TimeoutError(f'{store.zcard(finished) - before} of {count} tasks have ended')
        time.sleep(0.002)
    return [time.monotonic() - start]


def enqueue(queue, count, batch):
    held = rq.Queue('held', connection=queue.connection, serializer=JSONSerializer)
    start = time.monotonic()
    for first in range(0, count, batch):
        if batch == 1:
            held.enqueue('peer_rq.noop', peer_queues.item(first))
        else:
            held.enqueue_many([rq.Queue.prepare_data('peer_rq.noop', (peer_queues.item(number),))
                               for number in range(first, min(count, first + batch))])
    seconds = time.monotonic() - start
    there = held.count
    held.empty()
    if there != count:
        raise ValueError(f'{there} of {count} tasks are there')
    return [seconds]


def latency(queue, count, pause_millis):
    begins = []
    results = []
    for number in range(count):
        time.sleep(pause_millis / 1000)
        start = time.monotonic_ns()
        begun = result(queue.enqueue('peer_rq.stamp', peer_queues.item(number)))
        results.append((time.monotonic_ns() - start) / 1e9)
        begins.append((begun - start) / 1e9)
    return [peer_queues.percentile(samples, percent) for samples in (begins, results) for percent in (50, 99)]


REQUESTS = {'run': run, 'enqueue': enqueue, 'latency': latency}


def serve():
    queue = rq.Queue('default', connection=redis.Redis.from_url(URI), serializer=JSONSerializer)
    latency(queue, 1, 0)
    peer_queues.serve(queue, REQUESTS)


if __name__ == '__main__':
    serve()
