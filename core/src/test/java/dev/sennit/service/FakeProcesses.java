package dev.sennit.service;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Processes that only a test moves. */
final class FakeProcesses {
    private final AtomicLong pids = new AtomicLong(100);
    /** Guarded by itself. All that were started. */
    private final List<Fake> started = new ArrayList<>();
    /** Thrown by the next starts while it is set. */
    volatile @Nullable IOException obstacle;
    /** Whether a process is ready as soon as it is started. */
    volatile boolean readyAtOnce;
    /** Whether a process that is asked to end does so at once. */
    volatile boolean endsWhenAsked;

    Generation generation(long number, ServiceSettings settings) {
        return new Generation(number, settings, new Generation.Launchers() {
            @Override
            public Launcher forSlot(int id) {
                return listener -> start(number, id, listener);
            }

            @Override
            public void retire() {
                retired.add(number);
            }
        });
    }

    /** The numbers of the generations that are not needed any more. */
    final List<Long> retired = java.util.Collections.synchronizedList(new ArrayList<>());

    private Run start(long generation, int id, RunListener listener) throws IOException {
        IOException wrong = obstacle;
        if (wrong != null) {
            throw wrong;
        }
        var fake = new Fake(generation, id, pids.incrementAndGet(), listener);
        synchronized (started) {
            started.add(fake);
        }
        if (readyAtOnce) {
            fake.ready();
        }
        return fake;
    }

    List<Fake> all() {
        synchronized (started) {
            return List.copyOf(started);
        }
    }

    List<Fake> alive() {
        return all().stream().filter(Fake::isAlive).toList();
    }

    Fake last() {
        return all().getLast();
    }

    final class Fake implements Run {
        final long generation;
        final int id;
        private final long pid;
        private final RunListener listener;
        volatile @Nullable Duration asked;
        volatile boolean killed;
        volatile int reloads;
        private boolean ended;

        Fake(long generation, int id, long pid, RunListener listener) {
            this.generation = generation;
            this.id = id;
            this.pid = pid;
            this.listener = listener;
        }

        void ready() {
            listener.ready();
        }

        void beat() {
            listener.heartbeat();
        }

        void worked(long pieces) {
            listener.worked(pieces);
        }

        void end(int code) {
            synchronized (this) {
                if (ended) {
                    return;
                }
                ended = true;
            }
            listener.ended(new RunEnd(code, killed, "exited with code " + code));
        }

        synchronized boolean isAlive() {
            return !ended;
        }

        @Override
        public long pid() {
            return pid;
        }

        @Override
        public void terminate(Duration limit) {
            asked = limit;
            if (endsWhenAsked) {
                end(0);
            }
        }

        @Override
        public void reload() {
            reloads++;
        }

        @Override
        public void kill() {
            killed = true;
            end(-9);
        }

        @Override
        public String toString() {
            return "fake " + pid + " of slot " + id + ", generation " + generation;
        }
    }
}
