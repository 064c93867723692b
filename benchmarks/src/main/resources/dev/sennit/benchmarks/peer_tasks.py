"""What the peers' workers run. A module of its own, so that every kind of executor finds it by name."""
import math
import os
import time


def same(value):
    return value


def length(payload):
    return len(payload)


def make(size):
    return bytes(size)


def is_prime(n):
    if n <= 2 or n % 2 == 0:
        return n == 2
    for divisor in range(3, math.isqrt(n) + 1, 2):
        if n % divisor == 0:
            return False
    return True


def begin_and_sleep(mark):
    """Says that it has begun, and who runs it, by a file; then waits to be killed."""
    with open(mark + '.part', 'w') as out:
        out.write(str(os.getpid()))
    os.rename(mark + '.part', mark)
    time.sleep(60)
