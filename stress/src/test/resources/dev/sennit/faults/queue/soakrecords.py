"""What both peers of a soak have in common: the records that tasks write, and the lines by which Java asks."""
import os
import signal
import sys
import threading
import time


def write(what, task, pid):
    """Appends a line, as the tasks in Java do: what happened, to which task, in which attempt, when."""
    name = os.path.join(os.environ['SENNIT_SOAK_FOLDER'], 'records', '%d.txt' % pid)
    file = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, ('%s %s 1 %d\n' % (what, task, time.monotonic_ns())).encode())
    finally:
        os.close(file)


def run(task, millis, pid):
    write('B', task, pid)
    if millis > 0:
        time.sleep(millis / 1000)
    write('E', task, pid)


def end_with_stdin():
    """Ends this process in order when its input ends: when whoever started it closes that, or is dead."""
    def await_end():
        while os.read(0, 1000):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=await_end, daemon=True).start()


def patiently(look, tries=100):
    """Looks again if a connection was found broken."""
    while True:
        try:
            return look()
        except Exception:
            tries -= 1
            if tries == 0:
                raise
            time.sleep(0.1)


def serve(enqueue, length, ids, most):
    """
    Answers lines: `enqueue TASK:MILLIS ...` enqueues each until it is taken, while fewer than `most` wait, and says how
    often that was tried again; `where` says which tasks are queued, leased and failed.
    """
    print('ready', flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == 'enqueue':
            again = 0
            for each in words[1:]:
                task, millis = each.split(':')
                while True:
                    try:
                        while length() >= most:
                            time.sleep(0.01)
                        enqueue(task, int(millis))
                        break
                    except Exception as e:
                        print('tried again: %r' % e, file=sys.stderr, flush=True)
                        again += 1
                        time.sleep(0.05)
            print(again, flush=True)
        else:
            print('|'.join(' '.join(some) for some in patiently(ids)), flush=True)
