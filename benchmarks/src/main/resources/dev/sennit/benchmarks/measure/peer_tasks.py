"""What the peers' workers and processes run. A module of its own, so that every kind of executor finds it by name."""
import io
import math
import os
import time

NUMBERS = 1024  # a power of two


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


def nothing():
    pass


def echo(receive, send):
    while message := receive():
        send(message)


def produce(receive, send, size, count):
    message = os.urandom(size)
    for _ in range(count):
        send(message)
    receive()


def together(barrier, times, work, shared, count):
    barrier.wait()
    begun = time.perf_counter()
    work(shared, count)
    times.put((begun, time.perf_counter()))


def lock_and_unlock(lock, count):
    for _ in range(count):
        lock.acquire()
        lock.release()


def lock_and_sleep(lock, has_it):
    lock.acquire()
    has_it.set()
    time.sleep(60)


def add_under_lock(value, count):
    for _ in range(count):
        with value.get_lock():
            value.value += 1


def get_element(shared_list, count):
    for _ in range(count):
        shared_list[0]


def set_element(shared_list, count):
    for i in range(count):
        shared_list[0] = i


def get_numbers(numbers, count):
    for i in range(count):
        numbers[i & NUMBERS - 1]


def set_numbers(numbers, count):
    for i in range(count):
        numbers[i & NUMBERS - 1] = i


SIZES = (200, 64, 32)


def thumbnails_as_taught(path):
    """All of the image is decoded, and each width made from that."""
    from PIL import Image
    image = Image.open(path)
    for width in SIZES:
        height = max(1, int(image.size[1] * (width / image.size[0])))
        image.resize((width, height), Image.LANCZOS).save(io.BytesIO(), 'JPEG', quality=75)


def thumbnails_draft(path):
    """The image is decoded at a smaller scale, and each width made from the one before."""
    from PIL import Image
    image = Image.open(path)
    first_width, first_height = image.size
    for width in SIZES:
        image.thumbnail((width, max(1, int(first_height * width / first_width)) + 1), Image.LANCZOS)
        image.save(io.BytesIO(), 'JPEG', quality=75)


def likeness(paths, folder):
    """Mean and least PSNR in dB, at the first width, of folder/NAME.png, or else of what draft decoding makes."""
    from PIL import Image, ImageChops, ImageOps, ImageStat
    decibels = []
    for path in paths:
        if folder:
            made = Image.open(os.path.join(folder, os.path.basename(path) + '.png')).convert('RGB')
        else:
            made = Image.open(path)
            made.thumbnail((SIZES[0], made.size[1]), Image.LANCZOS)
            made = ImageOps.exif_transpose(made).convert('RGB')
        expected = ImageOps.exif_transpose(Image.open(path)).convert('RGB').resize(made.size, Image.LANCZOS)
        squares = ImageStat.Stat(ImageChops.difference(made, expected)).sum2
        mean = sum(squares) / (3 * made.size[0] * made.size[1])
        decibels.append(10 * math.log10(255 * 255 / max(mean, 1e-3)))
    return [sum(decibels) / len(decibels), min(decibels)]
