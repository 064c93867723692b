"""Celery in a soak: `celerysoak.py worker NAME` is a worker with two processes, `celerysoak.py` answers Java."""
import json
import os
import sys

import redis
from celery import Celery

import soakrecords

app = Celery('celerysoak', broker=os.environ['SENNIT_SOAK_BROKER'])
seconds = os.environ.get('SENNIT_SOAK_VISIBILITY')
if seconds:
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True,
                    broker_transport_options={'visibility_timeout': int(seconds)})


@app.task(name='soak.work')
def work(task, millis):
    soakrecords.run(task, millis, os.getpid())


def main():
    if sys.argv[1:2] == ['worker']:
        soakrecords.end_with_stdin()
        app.worker_main(['worker', '--concurrency=2', '--hostname=%s@here' % sys.argv[2], '--loglevel=INFO'])
        return
    client = redis.Redis.from_url(os.environ['SENNIT_SOAK_BROKER'])

    def ids():
        lists = ['celery'] + ['celery\x06\x16%d' % step for step in (3, 6, 9)]
        queued = [json.loads(each) for name in lists for each in client.lrange(name, 0, -1)]
        leased = [json.loads(each)[0] for each in client.hvals('unacked')]
        return [each['headers']['id'] for each in queued], [each['headers']['id'] for each in leased], []

    soakrecords.serve(lambda task, millis: work.apply_async((task, millis), task_id=task),
                      lambda: client.llen('celery'), ids, int(os.environ['SENNIT_SOAK_MOST']))


if __name__ == '__main__':
    main()
