package dev.sennit.images.internal.web;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;

/**
 * Limits how many downloads run at once, in total and for each host. First come, first served.
 *
 * <p>A host's permit is acquired before a permit of the total: so downloads that wait for a slow host do not hold up
 * others.
 */
public final class Permits {
    private final Semaphore all;
    private final int perHost;
    /** Guarded by this. Only the hosts with users or waiters. */
    private final Map<String, Host> hosts = new HashMap<>();

    public Permits(int all, int perHost) {
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

    /** A permit of the host and of the total, to be released once. */
    @FunctionalInterface
    public interface Turn {
        void end();
    }

    public Turn acquire(String hostName) throws InterruptedException {
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

    public synchronized int hosts() {
        return hosts.size();
    }

    public int free() {
        return all.availablePermits();
    }
}
