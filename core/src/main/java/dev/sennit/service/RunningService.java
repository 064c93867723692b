package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Timers;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.process.ParentProcess;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The worker of a Java service, in its process. */
final class RunningService implements ServiceWorker {
    /** The least time between two notes of the same kind: more would tell the manager nothing. */
    private static final long LEAST_NANOS = 20_000_000;

    /** How often work that was done is told. */
    private static final long WORK_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final String name;
    private final int id;
    private final long generation;
    private final ParentProcess parent;
    private final long beatNanos;
    private final Thread main = Thread.currentThread();
    private final AtomicBoolean saidReady = new AtomicBoolean();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final CountDownLatch terminated = new CountDownLatch(1);
    /** What has not been told to the manager. */
    private final AtomicLong work = new AtomicLong();

    private final Object interrupting = new Object();
    /** Guarded by interrupting. Whether the main thread knows that it shall stop. */
    private boolean hasNoticed;
    /** Guarded by interrupting. */
    private boolean wasInterrupted;

    private volatile boolean beatsItself;
    private volatile long beatAt;
    private volatile @Nullable Deadline stopBy;

    RunningService(String name, int id, long generation, ParentProcess parent, Duration beat) {
        this.name = name;
        this.id = id;
        this.generation = generation;
        this.parent = parent;
        beatNanos = beat.toNanos();
        beatAt = Backend.current().nanoTime() - beatNanos;
    }

    /** Lets the manager speak to it, and begins to beat. */
    void begin(Service of) {
        parent.onStop(limit -> stop(of, limit));
        parent.onNote(note -> heard(of, note));
        Backend.start(Thread.ofPlatform().daemon().name("sennit-heartbeat").unstarted(this::beat));
    }

    // ---- what the manager says ----

    private void stop(Service of, Duration limit) {
        stopBy = Deadline.in(limit);
        stopping.countDown();
        try {
            of.terminate(this);
        } catch (Throwable e) {
            System.err.println("service " + name + "(" + id + ") failed to terminate:");
            e.printStackTrace();
        } finally {
            terminated.countDown();
        }
        // An orphan exits when this method returns. It is killed at its limit, whatever happens here.
        Uninterruptibles.await(main::join);
    }

    /** Waits until a terminate that is under way has returned: it may still have something to finish. */
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

    /** Beats until the service does so itself, and tells how much work was done. */
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
            work.addAndGet(done); // the manager reads too slowly: later
        }
    }

    private boolean send(ServiceNote note) {
        return parent.send(note.bytes());
    }

    @Override
    public void ready() {
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
        return generation;
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
        try {
            stopping.await();
        } catch (InterruptedException e) {
            ensureStopping(e);
        }
        notice();
    }

    @Override
    public boolean awaitStop(Duration longest) throws InterruptedException {
        boolean is = true;
        try {
            is = stopping.await(Timers.nanos(longest), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            ensureStopping(e);
        }
        if (is) {
            notice();
        }
        return is;
    }

    /** An interrupt of the main thread that came with the stop says nothing that this wait does not say. */
    private void ensureStopping(InterruptedException cause) throws InterruptedException {
        if (stopping.getCount() > 0 || Thread.currentThread() != main) {
            throw cause;
        }
    }

    /** From now on the stop interrupts the main thread no more; an interrupt that it has just made is taken back. */
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
