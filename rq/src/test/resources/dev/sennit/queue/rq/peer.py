"""Runs the lines of Python that a test sends, each as base64, and answers with the value of `out` as JSON."""
import base64
import json
import os
import sys
import time
import traceback
import warnings
from datetime import datetime, timedelta, timezone  # noqa: F401

import redis
from rq import Queue, Retry, Worker  # noqa: F401
from rq.command import send_command, send_shutdown_command, send_stop_job_command  # noqa: F401
from rq.job import Dependency, Job  # noqa: F401
from rq.registry import (CanceledJobRegistry, DeferredJobRegistry, FailedJobRegistry, FinishedJobRegistry,  # noqa: F401
                         ScheduledJobRegistry, StartedJobRegistry)
from rq.serializers import JSONSerializer

warnings.simplefilter('ignore')
r = redis.Redis.from_url(os.environ['SENNIT_REDIS'])
q = Queue('default', connection=r, serializer=JSONSerializer)
py = Queue('python', connection=r, serializer=JSONSerializer)
pickled = Queue('default', connection=r)


def get(job, seconds=30):
    """Waits for the end of a job; returns its result, or raises its error."""
    end = time.time() + seconds
    while time.time() < end:
        status = job.get_status()
        if status is None:
            raise LookupError('the job is gone')
        if status in ('finished', 'failed', 'stopped', 'canceled'):
            if status != 'finished':
                latest = job.latest_result()
                raise RuntimeError(status + ': ' + (latest.exc_string if latest else ''))
            return job.return_value(refresh=True)
        time.sleep(0.005)
    raise TimeoutError('the job is still ' + str(job.get_status()))


def status(job, wanted, seconds=30):
    """Waits until a job has a status."""
    end = time.time() + seconds
    while time.time() < end:
        if job.get_status() == wanted:
            return wanted
        time.sleep(0.005)
    return job.get_status()


def error(job):
    """Returns the error of a job."""
    try:
        return 'it has returned %r' % get(job)
    except RuntimeError as e:
        return str(e)


def has(registry, job, queue='default'):
    """Whether a job stands in a registry."""
    return r.zscore(registry.key_template.format(queue), job.id) is not None


names = dict(globals())
print('"ready"', flush=True)
for line in sys.stdin:
    names['out'] = None
    try:
        exec(base64.b64decode(line).decode(), names)
        print(json.dumps(names['out']), flush=True)
    except Exception:
        print('!' + json.dumps(traceback.format_exc()), flush=True)
