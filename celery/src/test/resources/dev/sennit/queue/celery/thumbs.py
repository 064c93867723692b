"""The application of Celery for the tests. Tasks named java.* have their code in Java; those named tasks.* here."""
import os
import time

from celery import Celery

app = Celery('thumbs', broker=os.environ['SENNIT_BROKER'], backend=os.environ['SENNIT_RESULTS'])
app.conf.update(
    task_serializer='json', result_serializer='json', accept_content=['json'],
    worker_send_task_events=True, task_send_sent_event=False, broker_connection_retry_on_startup=True,
    task_routes={'tasks.*': {'queue': 'python'}},
    broker_transport_options={'visibility_timeout': 3600} if os.environ['SENNIT_BROKER'].startswith('redis') else {},
)


@app.task(name='tasks.add')
def add(x, y=0):
    return x + y


@app.task(name='tasks.total')
def total(numbers):
    return sum(numbers)


@app.task(name='tasks.fail')
def fail(text):
    raise ValueError(text)


@app.task(name='tasks.note')
def note(uuid):
    app.backend.client.rpush('noted', uuid)


@app.task(name='tasks.thumbnail')
def thumbnail(path, side):
    from PIL import Image
    with Image.open(path) as photo:
        photo.thumbnail((side, side))
        photo.save(path + '.thumbnail.png')
        return {'path': path + '.thumbnail.png', 'width': photo.width, 'height': photo.height}


@app.task(name='tasks.sleep')
def sleep(seconds):
    time.sleep(seconds)
    return seconds


def java(name):
    @app.task(name='java.' + name)
    def declared(*args, **kwargs):
        raise NotImplementedError('the code is in Java')
    return declared


for each in ('add', 'total', 'echo', 'fail', 'flaky', 'sleep', 'text', 'join', 'nobody', 'doubled'):
    globals()['j' + each] = java(each)
