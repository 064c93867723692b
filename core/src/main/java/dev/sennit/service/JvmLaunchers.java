package dev.sennit.service;

import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.internal.view.WorkerFigures;
import dev.sennit.process.PreparedProcess;
import dev.sennit.process.WorkerProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Starts the processes of one generation of a Java service, from a copy of its class path, and keeps warm spares for
 * them. The copy is removed when the generation is retired and its last process has ended.
 */
final class JvmLaunchers implements Generation.Launchers {
    /** Heartbeats in the heartbeat limit, so that the manager notices a hanging worker soon after its limit. */
    private static final int BEATS_IN_LIMIT = 4;
    private static final Duration MOST_BETWEEN_BEATS = Duration.ofSeconds(5);

    /** A process that waits for a main. */
    private record Spare(JvmRun run, PreparedProcess process) {}

    private final String manager;
    private final ServiceSettings settings;
    private final long number;
    private final Listeners listeners;
    /** Makes the sink for the lines of a slot. */
    private final BiFunction<String, Integer, LineSink> sinks;
    private final @Nullable ClassPathCopy copy;

    // guarded by this
    private final Deque<Spare> spares = new ArrayDeque<>();
    private int running;
    private int preparing;
    private boolean isRetired;

    JvmLaunchers(
            String manager,
            ServiceSettings settings,
            long number,
            Listeners listeners,
            BiFunction<String, Integer, LineSink> sinks)
            throws IOException {
        this.manager = manager;
        this.listeners = listeners;
        this.settings = settings;
        this.number = number;
        this.sinks = sinks;
        WorkerProcess.builder().name(settings.name()).ensureTravels(main(0, null));
        copy = settings.classPath().isEmpty() ? null : ClassPathCopy.of(settings.name(), settings.classPath());
    }

    private ServiceMain main(int id, @Nullable WorkerListener accepts) {
        return new ServiceMain(
                new ServiceMain.Identity(manager, settings.name(), id, number),
                new ServiceMain.Code(
                        settings.service(), settings.className(), settings.readiness() instanceof Readiness.Said),
                new ServiceMain.Limits(beat(), settings.stopLimit()),
                new ServiceMain.Given(accepts, settings.values()));
    }

    @Override
    public Launcher forSlot(int id) {
        return listener -> start(id, listener);
    }

    private Run start(int id, RunListener listener) throws IOException {
        synchronized (this) {
            if (isRetired) {
                throw new IOException("generation " + number + " of service " + settings.name() + " is retired");
            }
            running++;
        }
        var ending = new Ending(listener);
        boolean isStarted = false;
        try {
            Run run = startNow(id, ending);
            isStarted = true;
            return run;
        } finally {
            if (!isStarted) {
                ending.conclude();
            }
        }
    }

    private Run startNow(int id, Ending listener) throws IOException {
        LineSink sink = sinks.apply(settings.name(), id);
        WorkerListener accepts = accepts(listener);
        ServiceMain main = main(id, accepts);
        String name = settings.name() + "(" + id + ")";
        Spare spare = takeSpare();
        if (spare != null) {
            try {
                spare.run().begin(listener, sink);
                handOver(spare.run(), accepts);
                spare.run().isIn(spare.process().start(name, main));
                refill();
                return spare.run();
            } catch (IllegalStateException e) { // the spare has ended meanwhile
                spare.process().close();
            } catch (Throwable e) {
                spare.process().close();
                spare.run().kill();
                throw e;
            }
        }
        var run = new JvmRun();
        run.begin(listener, sink);
        handOver(run, accepts);
        try {
            run.isIn(builder(name, run).start(main));
        } catch (Throwable e) {
            run.kill();
            throw e;
        }
        refill();
        return run;
    }

    /** Makes the folder in which a worker waits for its listener. The folder is removed when the worker has ended. */
    private @Nullable WorkerListener accepts(Ending ending) throws IOException {
        String listener = settings.listener();
        if (listener == null) {
            return null;
        }
        SocketAddress own = listeners.ownAddress(listener);
        if (own != null) {
            return new WorkerListener(listener, null, (InetSocketAddress) own);
        }
        Path folder = MeetingFolder.create();
        ending.folder = folder;
        return new WorkerListener(listener, folder.resolve(MeetingFolder.SOCKET).toString(), null);
    }

    private void handOver(JvmRun run, @Nullable WorkerListener accepts) {
        if (accepts != null && accepts.path() != null) {
            Path path = Path.of(accepts.path());
            run.listensBy(() -> listeners.send(accepts.name(), path));
        }
    }

    /** Returns the time between two heartbeats of a JVM; zero for none. */
    private Duration beat() {
        Duration limit = settings.heartbeatLimit();
        if (limit == null) {
            return Duration.ZERO;
        }
        Duration beat = limit.dividedBy(BEATS_IN_LIMIT);
        return beat.compareTo(MOST_BETWEEN_BEATS) > 0 ? MOST_BETWEEN_BEATS : beat.plusNanos(1);
    }

    private WorkerProcess.Builder builder(String name, JvmRun run) {
        WorkerProcess.Builder builder = WorkerProcess.builder()
                .name(name)
                .daemon(true)
                .orphanLimit(settings.orphanLimit())
                .killedWithParent(settings.orphanLimit().isZero())
                .jvmOptions(settings.jvmOptions().toArray(String[]::new))
                .environment(settings.environment())
                .onNote(run)
                .onLine(run);
        if (settings.heap() != null) {
            builder.heap(settings.heap());
        }
        if (settings.directory() != null) {
            builder.directory(settings.directory());
        }
        if (copy != null) {
            builder.classPath(copy.parts().toArray(Path[]::new));
        }
        return builder;
    }

    // ---- spares ----

    private @Nullable Spare takeSpare() {
        List<Spare> dead;
        Spare taken = null;
        synchronized (this) {
            dead = spares.stream().filter(one -> !one.process().isAlive()).toList();
            spares.removeAll(dead);
            for (Spare one : spares) {
                if (one.process().onConnected().isDone()) {
                    taken = one;
                    break;
                }
            }
            if (taken != null) {
                spares.remove(taken);
            }
        }
        dead.forEach(one -> one.process().close());
        return taken;
    }

    /** Starts the missing spares. A spare that cannot be started now is tried again at the next start of a worker. */
    private void refill() {
        while (true) {
            synchronized (this) {
                if (isRetired || spares.size() + preparing >= settings.spares()) {
                    return;
                }
                preparing++;
            }
            if (!prepare()) {
                return;
            }
        }
    }

    /** Starts a spare; returns whether there may be another. */
    private boolean prepare() {
        PreparedProcess superfluous = null;
        try {
            var run = new JvmRun();
            PreparedProcess process = builder(settings.name() + "(spare)", run).prepare();
            synchronized (this) {
                if (isRetired) {
                    superfluous = process;
                } else {
                    spares.add(new Spare(run, process));
                }
            }
        } catch (RuntimeException | Error e) { // no memory or thread available: the service runs without the spare
            return false;
        } finally {
            synchronized (this) {
                preparing--;
            }
        }
        if (superfluous != null) {
            superfluous.close();
        }
        return superfluous == null;
    }

    // ---- the end ----

    @Override
    public void retire() {
        List<Spare> left;
        boolean isLast;
        synchronized (this) {
            if (isRetired) {
                return;
            }
            isRetired = true;
            left = List.copyOf(spares);
            spares.clear();
            isLast = running == 0;
        }
        left.forEach(one -> one.process().close());
        if (isLast && copy != null) {
            copy.remove();
        }
    }

    private void hasEnded() {
        boolean isLast;
        synchronized (this) {
            running--;
            isLast = isRetired && running == 0;
        }
        if (isLast && copy != null) {
            copy.remove();
        }
    }

    /** Counts the end of a process before it reports the end to the slot. */
    private final class Ending implements RunListener {
        private final RunListener listener;
        private final AtomicBoolean isOver = new AtomicBoolean();
        /**
         * The folder in which the worker waits for its listener; null without a listener. Written before the worker is
         * started.
         */
        private volatile @Nullable Path folder;

        Ending(RunListener listener) {
            this.listener = listener;
        }

        @Override
        public void ready() {
            listener.ready();
        }

        @Override
        public void heartbeat() {
            listener.heartbeat();
        }

        @Override
        public void worked(long pieces) {
            listener.worked(pieces);
        }

        @Override
        public void figures(WorkerFigures figures) {
            listener.figures(figures);
        }

        @Override
        public void ended(RunEnd end) {
            conclude();
            listener.ended(end);
        }

        void conclude() {
            if (isOver.compareAndSet(false, true)) {
                Path made = folder;
                if (made != null) {
                    MeetingFolder.remove(made);
                }
                hasEnded();
            }
        }
    }

    @Override
    public String toString() {
        Map<String, Integer> counts;
        synchronized (this) {
            counts = Map.of("running", running, "spares", spares.size());
        }
        return "JvmLaunchers[" + settings.name() + ", generation " + number + ", " + counts + "]";
    }
}
