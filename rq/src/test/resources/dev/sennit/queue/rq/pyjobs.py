"""The functions of the tests that have their code in Python. Those named java.* have theirs in Java."""
import time

from rq import get_current_job


def add(x, y=0):
    return x + y


def nothing():
    pass


def fail(text):
    raise ValueError(text)


def flaky(name):
    job = get_current_job()
    tries = job.connection.incr('tries:' + name)
    if tries < 3:
        raise OSError('try %d' % tries)
    return tries


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def total():
    """The sum of what the jobs before have returned: RQ's way to get their results."""
    job = get_current_job()
    return sum(each.return_value() for each in job.fetch_dependencies())


def reason():
    """What an error callback of Java is told."""
    return [get_current_job().meta['sennit-dead-reason'], get_current_job().meta['sennit-dead-id'] != '']
