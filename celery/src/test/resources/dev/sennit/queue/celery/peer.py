"""Runs the lines of Python that a test sends, each as base64, and answers with the value of `out` as JSON."""
import base64
import json
import sys
import traceback

from celery import chain, chord, group, signature  # noqa: F401
from thumbs import *  # noqa: F401,F403
from thumbs import app  # noqa: F401

names = dict(globals())
print('"ready"', flush=True)
for line in sys.stdin:
    names['out'] = None
    try:
        exec(base64.b64decode(line).decode(), names)
        print(json.dumps(names['out']), flush=True)
    except Exception:
        print('!' + json.dumps(traceback.format_exc()), flush=True)
