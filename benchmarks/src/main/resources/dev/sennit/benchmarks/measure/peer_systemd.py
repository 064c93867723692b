"""systemd, measured from outside: python3 peer_systemd.py PIPE SCENE, as root.

A user's instance of systemd, which need not be process 1, in a cgroup and a mount namespace of its own: it refuses to run where the
system was not booted with systemd, and would write into the cgroups of others. Each worker, a shell command, writes "ready SERVICE PID"
into the pipe; what systemd tells the journal of the end of one becomes "died SERVICE 0". "scale SERVICE 0" stops a service and
"scale SERVICE 1" starts it; the end of standard input ends all. The scene "check" only tries whether all that can be done here, and
prints the version.
"""
import os
import socket
import subprocess
import sys
import threading

PIPE, SCENE = sys.argv[1:3]
INSIDE = 'SENNIT_SYSTEMD_CGROUP'
RUN = '/run/sennit'
SYSTEMD = '/lib/systemd/systemd'

SLEEP = 'exec sleep 100000'
STUBBORN = "trap '' TERM; while sleep 1; do :; done"
SCENES = {
    'kills': {'sleeper': (SLEEP, '')},
    'neighbour': {'sleeper': (SLEEP, ''), 'crasher': ('exit 1', 'RestartSec=0.1')},
    'stuck': {'hung': (SLEEP, 'WatchdogSec=1\nNotifyAccess=all'), 'stubborn': (STUBBORN, 'TimeoutStopSec=1')},
    'idle': {f'sleeper{i}': (SLEEP, '') for i in range(10)},
}


def own_cgroup():
    """In the hierarchy of version 2, below this process's own."""
    with open('/proc/self/mounts') as mounts:
        mount = next(words[1] for words in map(str.split, mounts) if words[2] == 'cgroup2')
    with open('/proc/self/cgroup') as groups:
        below = next(line[3:].strip() for line in groups if line.startswith('0::'))
    return os.path.join(mount, below.lstrip('/'), f'sennit-benchmark-{os.getpid()}')


def outside():
    """Makes the cgroup, goes into it, and removes it when all in it have ended."""
    group = own_cgroup()
    os.mkdir(group)
    try:
        command = ['unshare', '--mount', '--propagation', 'private', '--cgroup', sys.executable, '-B', *sys.argv]
        inside = subprocess.Popen(['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, *command],
                                  env=os.environ | {INSIDE: group})
        return inside.wait()
    finally:
        with open(os.path.join(group, 'cgroup.kill'), 'w') as kill:
            kill.write('1')
        events = os.path.join(group, 'cgroup.events')
        while 'populated 1' in open(events).read():
            pass
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)


def tell(what, service, pid):
    with open(PIPE, 'w') as pipe:
        pipe.write(f'{what} {service} {pid}\n')


def write_units():
    folder = f'{RUN}/systemd/user'
    os.makedirs(folder)
    for name, (then, more) in SCENES[SCENE].items():
        script = f"echo ready {name} $$$$ > '{PIPE}'; {then}"
        with open(f'{folder}/{name}.service', 'w') as unit:
            unit.write('[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n'
                       f'[Service]\nExecStart=/bin/sh -c "{script}"\nRestart=always\nRestartSec=0\n{more}\n')
    with open(f'{folder}/all.target', 'w') as unit:
        unit.write(f'[Unit]\nDefaultDependencies=no\nWants={" ".join(name + ".service" for name in SCENES[SCENE])}\n')


def tell_deaths(journal):
    while True:
        fields = dict(line.split('=', 1) for line in journal.recv(65536).decode(errors='replace').split('\n') if '=' in line)
        if 'Main process exited' in fields.get('MESSAGE', ''):
            tell('died', fields['USER_UNIT'].removesuffix('.service'), 0)


def inside():
    for command in (['mount', '-t', 'tmpfs', 'sennit', '/run'], ['umount', '--lazy', '/sys/fs/cgroup'],
                    ['mount', '-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup']):
        subprocess.run(command, check=True)
    os.makedirs('/run/systemd/system')
    if SCENE == 'check':
        subprocess.run([SYSTEMD, '--version'], check=True)
        return 0
    os.makedirs('/run/systemd/journal')
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind('/run/systemd/journal/socket')
    write_units()
    environment = os.environ | {'XDG_RUNTIME_DIR': RUN, 'HOME': RUN, 'SYSTEMD_LOG_TARGET': 'journal'}
    systemd = subprocess.Popen([SYSTEMD, '--user', '--unit=all.target'], env=environment, stdin=subprocess.DEVNULL)
    tell('up', 'manager', systemd.pid)
    threading.Thread(target=tell_deaths, args=(journal,), daemon=True).start()
    for line in sys.stdin:
        _, service, workers = line.split()
        subprocess.run(['systemctl', '--user', '--no-block', 'start' if workers == '1' else 'stop', service],
                       env=environment, check=True)
    return 0


sys.exit(inside() if INSIDE in os.environ else outside())
