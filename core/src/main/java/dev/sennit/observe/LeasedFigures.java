package dev.sennit.observe;

import org.jspecify.annotations.Nullable;

/** Figures of tasks that are kept while tools outside of this JVM ask for them. */
final class LeasedFigures {
    /** Guarded by the class. Null while there are none. */
    private static @Nullable LeasedFigures current;

    private final TaskFigures figures = new TaskFigures();
    private final LatestProgress progress = new LatestProgress();
    private final TaskEvents.Listening listening = TaskEvents.listen(new TaskListener() {
        @Override
        public void event(TaskEvent event) {
            figures.event(event);
            progress.event(event);
        }

        @Override
        public void missed(long count) {
            figures.missed(count);
        }
    });
    private final Lease lease;

    private LeasedFigures(int leaseSeconds) {
        try {
            lease = Lease.start(leaseSeconds, this::ended);
        } catch (Throwable e) { // no timer available
            listening.close();
            throw e;
        }
    }

    private void ended() {
        synchronized (LeasedFigures.class) {
            if (current == this) {
                current = null;
            }
        }
        listening.close();
    }

    static synchronized void start(int leaseSeconds) {
        Lease.ensureLength(leaseSeconds);
        LeasedFigures kept = current;
        if (kept == null || !kept.lease.extend(leaseSeconds)) {
            current = new LeasedFigures(leaseSeconds);
        }
    }

    /** Returns the figures, and renews the lease. */
    static synchronized LeasedFigures get() {
        LeasedFigures kept = current;
        if (kept == null || !kept.lease.renew()) {
            throw new IllegalStateException("no figures of tasks are kept: they were stopped, or not started, or not "
                    + "read while their lease ran");
        }
        return kept;
    }

    TaskFigures figures() {
        return figures;
    }

    LatestProgress progress() {
        return progress;
    }

    static void stop() {
        LeasedFigures kept;
        synchronized (LeasedFigures.class) {
            kept = current;
        }
        if (kept != null) {
            kept.lease.end();
        }
    }
}
