package dev.sennit.images;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;

/**
 * How many downloads run at once: of all, and of each host. First come, first served.
 *
 * <p>A permit of the host is taken before one of all: those who wait for a slow host keep nobody from the others.
 */
final class Permits {
    private final Semaphore all;
    private final int perHost;
    /** Guarded by this. Only of hosts that somebody uses or waits for. */
    private final Map<String, Host> hosts = new HashMap<>();

    Permits(int all, int perHost) {
        this.all = new Semaphore(all, true);
        this.perHost = perHost;
    }

    private static final class Host {
        final Semaphore free;
        /** Guarded by the permits. */
        int users;

        Host(int permits) {
            free = new Semaphore(permits, true);
        }
    }

    /** A permit of both kinds, to be given back once. */
    @FunctionalInterface
    interface Turn {
        void end();
    }

    Turn acquire(String hostName) throws InterruptedException {
        Host host = enter(hostName);
        boolean acquired = false;
        try {
            host.free.acquire();
            try {
                all.acquire();
                acquired = true;
            } finally {
                if (!acquired) {
                    host.free.release();
                }
            }
        } finally {
            if (!acquired) {
                leave(hostName, host);
            }
        }
        return () -> {
            all.release();
            host.free.release();
            leave(hostName, host);
        };
    }

    private synchronized Host enter(String name) {
        Host host = hosts.computeIfAbsent(name, unknown -> new Host(perHost));
        host.users++;
        return host;
    }

    private synchronized void leave(String name, Host host) {
        if (--host.users == 0) {
            hosts.remove(name);
        }
    }

    synchronized int hosts() {
        return hosts.size();
    }

    int free() {
        return all.availablePermits();
    }
}
