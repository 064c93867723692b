package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.SystemSignals;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.Waits;
import dev.sennit.internal.view.WorkerFigures;
import dev.sennit.process.ParentProcess;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The worker of a Java service, in its process. */
final class RunningService implements ServiceWorker {
    /** The least time between two notes of the same kind: more notes would be of no use to the manager. */
    private static final long LEAST_NANOS = 20_000_000;

    /** The exit code of a JVM that TERM has ended. */
    private static final int ENDED_BY_TERM = 143;
    /** How often the worker reports its work. */
    private static final long WORK_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final ServiceMain settings;
    private final String name;
    private final int id;
    private final ParentProcess parent;
    private final long beatNanos;
    private final Thread main = Thread.currentThread();
    private final AtomicBoolean saidReady = new AtomicBoolean();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final CountDownLatch terminated = new CountDownLatch(1);
    /** The pieces of work that were not reported to the manager yet. */
    private final AtomicLong work = new AtomicLong();

    private final Object interrupting = new Object();
    /** Guarded by interrupting. Whether the main thread has noticed the stop. */
    private boolean hasNoticed;
    /** Guarded by interrupting. */
    private boolean wasInterrupted;

    private volatile boolean beatsItself;
    private volatile long beatAt;
    private volatile @Nullable Deadline stopBy;
    private final Object accepting = new Object();
    /** Written under accepting. */
    private volatile @Nullable Acceptor acceptor;

    RunningService(ServiceMain settings, ParentProcess parent) {
        this.settings = settings;
        this.name = settings.identity().name();
        this.id = settings.identity().id();
        this.parent = parent;
        beatNanos = settings.limits().beat().toNanos();
        beatAt = Backend.current().nanoTime() - beatNanos;
    }

    /** Starts to receive the manager's messages and to send heartbeats. */
    void begin(Service of) {
        parent.onStop(limit -> stop(of, limit));
        parent.onNote(note -> heard(of, note));
        heedSignals(of);
        Backend.start(Thread.ofPlatform().daemon().name("sennit-heartbeat").unstarted(this::beat));
    }

    /**
     * Installs handlers of signals. INT and HUP are ignored: a terminal sends them to all its processes, and only the
     * manager reacts. TERM to a worker stops this worker in order, and the manager starts another.
     */
    private void heedSignals(Service of) {
        try {
            SystemSignals.handle("INT", () -> true);
            SystemSignals.handle("HUP", () -> true);
            SystemSignals.handle("TERM", () -> {
                endAfter(settings.limits().stop());
                stop(of, settings.limits().stop());
                return true;
            });
        } catch (IllegalStateException | IllegalArgumentException e) {
            // a runtime image without signals, or a JVM with -Xrs: signals end the worker, and the manager starts
            // another
        }
    }

    /**
     * Halts this worker at its limit: after a signal no other process does so, unless the manager asks for the stop,
     * too.
     */
    private static void endAfter(Duration limit) {
        try {
            Future<?> _ = Timers.after(limit, () -> Runtime.getRuntime().halt(ENDED_BY_TERM));
        } catch (OutOfMemoryError e) {
            // then the stop has no limit
        }
    }

    /**
     * Gets the listener, if there is one. A worker's own socket is bound only when the worker is ready or asks for it;
     * if it were bound earlier, clients would wait at it while other workers could serve them.
     */
    void listen() throws IOException {
        WorkerListener from = settings.given().listener();
        if (from != null && from.isShared()) {
            acceptor();
        }
    }

    // ---- what the manager says ----

    private void stop(Service of, Duration limit) {
        boolean isFirst;
        synchronized (stopping) { // a signal and the manager may ask for a stop at the same time
            isFirst = stopping.getCount() > 0;
            if (isFirst) {
                stopBy = Deadline.in(limit);
                stopping.countDown();
            }
        }
        if (isFirst) {
            terminate(of);
        }
        // An orphan exits when this method returns. It is killed at its limit, whatever happens here.
        Uninterruptibles.await(main::join);
    }

    private void terminate(Service of) {
        Acceptor accepts = acceptor;
        if (accepts != null) {
            accepts.wakeUp();
        }
        try {
            of.terminate(this);
        } catch (Throwable e) {
            System.err.println("service " + name + "(" + id + ") failed to terminate:");
            e.printStackTrace();
        } finally {
            terminated.countDown();
        }
    }

    /** Waits until a call of terminate that is under way has returned, as it may still be finishing work. */
    void awaitTerminated() {
        if (!isStopping()) {
            return;
        }
        try {
            terminated.await();
        } catch (InterruptedException e) {
            // the process ends in any case
        }
    }

    private void heard(Service of, byte[] bytes) {
        ServiceNote note = ServiceNote.read(bytes);
        if (note == null || note.kind() != ServiceNote.Kind.RELOAD) {
            System.err.println("service " + name + "(" + id + ") does not understand its manager: another version?");
            return;
        }
        try {
            of.reload(this);
        } catch (Throwable e) {
            System.err.println("service " + name + "(" + id + ") failed to reload:");
            e.printStackTrace();
        }
    }

    // ---- what it says ----

    /** Sends heartbeats until the service sends its own, and reports the work. */
    private void beat() {
        while (true) {
            if (beatNanos > 0 && !beatsItself) {
                send(ServiceNote.of(ServiceNote.Kind.HEARTBEAT));
            }
            tellWork();
            LockSupport.parkNanos(beatNanos > 0 ? Math.min(beatNanos, WORK_NANOS) : WORK_NANOS);
        }
    }

    private void tellWork() {
        long done = work.getAndSet(0);
        if (done > 0 && !send(new ServiceNote(ServiceNote.Kind.WORKED, done))) {
            work.addAndGet(done); // the manager reads too slowly: report it later
        }
    }

    private boolean send(ServiceNote note) {
        return parent.send(note.bytes());
    }

    @Override
    public void ready() {
        if (!saidReady.get() && settings.given().listener() != null) {
            listener(); // may fail, and is tried again later
        }
        if (saidReady.compareAndSet(false, true)) {
            send(ServiceNote.of(ServiceNote.Kind.READY));
        }
    }

    @Override
    public void heartbeat() {
        beatsItself = true;
        long now = Backend.current().nanoTime();
        if (now - beatAt >= Math.max(LEAST_NANOS, beatNanos / 2)) {
            beatAt = now;
            send(ServiceNote.of(ServiceNote.Kind.HEARTBEAT));
        }
    }

    @Override
    public void worked(long pieces) {
        if (pieces < 0) {
            throw new IllegalArgumentException("pieces must be >= 0, was " + pieces);
        }
        work.addAndGet(pieces);
    }

    @Override
    public boolean figures(Map<String, Long> sums, Map<String, Long> gauges) {
        return parent.send(ServiceNote.ofFigures(new WorkerFigures(sums, gauges)));
    }

    // ---- what it is given ----

    private Acceptor acceptor() throws IOException {
        WorkerListener from = settings.given().listener();
        if (from == null) {
            throw new IllegalStateException("service " + name
                    + " has no listener: name one by ServiceSettings.Builder.listener, or listener = "
                    + "\"NAME\" in the file");
        }
        synchronized (accepting) {
            Acceptor accepts = acceptor;
            if (accepts == null) {
                ServerSocketChannel channel = from.get(() -> send(ServiceNote.of(ServiceNote.Kind.LISTENER)));
                accepts = new Acceptor(channel, from.isShared());
                acceptor = accepts;
            }
            return accepts;
        }
    }

    @Override
    public ServerSocketChannel listener() {
        try {
            return acceptor().channel();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    @Override
    public @Nullable SocketChannel accept() throws IOException, InterruptedException {
        Acceptor accepts = acceptor();
        try (var _ = Waits.outOfTurn()) {
            SocketChannel next = accepts.accept(stopping);
            if (next == null) {
                notice();
            }
            return next;
        } catch (InterruptedException e) {
            ensureStopping(e);
            notice();
            return accepts.last();
        }
    }

    @Override
    public <T> T value(String called, Class<T> type) {
        Serializable value = settings.given().values().get(called);
        if (value == null) {
            throw new IllegalArgumentException("service " + name + " has no value " + called + "; there are "
                    + new TreeSet<>(settings.given().values().keySet()));
        }
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException("value " + called + " of service " + name + " is of "
                    + value.getClass() + ", which is no " + type.getName());
        }
        return type.cast(value);
    }

    // ---- what it knows ----

    @Override
    public String name() {
        return name;
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public long generation() {
        return settings.identity().generation();
    }

    @Override
    public boolean isStopping() {
        boolean is = stopping.getCount() == 0;
        if (is) {
            notice();
        }
        return is;
    }

    @Override
    public void awaitStop() throws InterruptedException {
        try (var _ = Waits.outOfTurn()) {
            stopping.await();
        } catch (InterruptedException e) {
            ensureStopping(e);
        }
        notice();
    }

    @Override
    public boolean awaitStop(Duration longest) throws InterruptedException {
        boolean is = true;
        try (var _ = Waits.outOfTurn()) {
            is = stopping.await(Timers.nanos(longest), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            ensureStopping(e);
        }
        if (is) {
            notice();
        }
        return is;
    }

    /** Ignores an interrupt of the main thread that came with the stop, as the wait returns because of the stop. */
    private void ensureStopping(InterruptedException cause) throws InterruptedException {
        if (stopping.getCount() > 0 || Thread.currentThread() != main) {
            throw cause;
        }
    }

    /**
     * Notes that the main thread knows of the stop: the stop does not interrupt it any more, and its pending interrupt
     * is cleared.
     */
    private void notice() {
        if (Thread.currentThread() == main) {
            synchronized (interrupting) {
                hasNoticed = true;
                if (wasInterrupted) {
                    Thread.interrupted();
                    wasInterrupted = false;
                }
            }
        }
    }

    @Override
    public Optional<Duration> timeLeft() {
        Deadline deadline = stopBy;
        return deadline == null ? Optional.empty() : Optional.of(Duration.ofNanos(Math.max(0, deadline.left())));
    }

    @Override
    public void interrupt() {
        synchronized (interrupting) {
            if (!hasNoticed) {
                wasInterrupted = true;
                main.interrupt();
            }
        }
    }

    @Override
    public String toString() {
        return name + "(" + id + ")";
    }
}
