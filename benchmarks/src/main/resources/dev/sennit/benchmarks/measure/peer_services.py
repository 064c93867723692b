"""Cotyledon, measured from outside: python3 peer_services.py PIPE SCENE.

Each worker writes "ready SERVICE PID" into the pipe as soon as it runs, and the hook of dead workers "died SERVICE 0". The manager ends
in order when its standard input says "stop" or ends. See ServicesPeer.java for the scenes.
"""
import os
import signal
import sys
import threading
import time

import cotyledon

PIPE, SCENE = sys.argv[1:3]
FOREVER = 100_000
STOP_LIMIT = 1


def tell(what, service, pid):
    with open(PIPE, 'w') as pipe:
        pipe.write(f'{what} {service} {pid}\n')


class Sleeper(cotyledon.Service):
    name = 'sleeper'

    def run(self):
        tell('ready', self.name, os.getpid())
        time.sleep(FOREVER)


class Crasher(cotyledon.Service):
    name = 'crasher'

    def run(self):
        tell('ready', self.name, os.getpid())
        os._exit(1)


class Stubborn(Sleeper):
    name = 'stubborn'

    def terminate(self):
        time.sleep(FOREVER)


SCENES = {
    'kills': [(Sleeper, 1)],
    'neighbour': [(Sleeper, 1), (Crasher, 1)],
    'stubborn': [(Stubborn, 1)],
    'orphans': [(Sleeper, 4)],
    'idle': [(Sleeper, 10)],
}


def await_stop():
    os.read(0, 1)  # not through sys.stdin: a fork closes that, and would wait for its lock
    os.kill(os.getpid(), signal.SIGTERM)


def main():
    manager = cotyledon.ServiceManager(graceful_shutdown_timeout=STOP_LIMIT)
    names = {manager.add(service, workers): service.name for service, workers in SCENES[SCENE]}
    manager.register_hooks(on_dead_worker=lambda service, worker, code: tell('died', names[service], 0))
    tell('up', 'manager', os.getpid())
    threading.Thread(target=await_stop, daemon=True).start()
    manager.run()


main()
