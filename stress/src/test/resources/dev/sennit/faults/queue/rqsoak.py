"""RQ in a soak: `rqsoak.py worker NAME` is a worker, `rqsoak.py` answers Java."""
import os
import sys

import redis
from rq import Queue
from rq.registry import FailedJobRegistry, StartedJobRegistry

import soakrecords


def work(task, millis):
    soakrecords.run(task, millis, os.getppid())  # each job has a process of its own


def main():
    url = os.environ['SENNIT_SOAK_BROKER']
    if sys.argv[1:2] == ['worker']:
        from rq.cli import main as command
        soakrecords.end_with_stdin()
        command(['worker', '--url', url, 'soak'])
        return
    client = redis.Redis.from_url(url)
    queue = Queue('soak', connection=client)

    def noted(registry):
        return [each.decode() for each in client.zrange(registry.key, 0, -1)]

    def ids():
        return (queue.job_ids, noted(StartedJobRegistry('soak', connection=client)),
                noted(FailedJobRegistry('soak', connection=client)))

    soakrecords.serve(lambda task, millis: queue.enqueue('rqsoak.work', task, millis, job_id=task),
                      lambda: queue.count, ids, int(os.environ['SENNIT_SOAK_MOST']))


if __name__ == '__main__':
    main()
