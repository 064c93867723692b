package dev.sennit;

import dev.sennit.internal.Uncaught;
import dev.sennit.internal.Unreachable;
import java.lang.ref.Cleaner;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The failures of a pool's tasks that no caller has asked for. Each is logged once, with its stack: when its future
 * becomes unreachable, as no caller can ask then, or when the pool has ended, as the program may end soon.
 *
 * <p>A failure that a caller asks for before is forgotten. A note never refers to the future, and is kept no longer
 * than the future, which has the failure itself: so only the futures that the program keeps bound the number of notes.
 * After {@value #MOST_TOLD} logged failures of a pool the others are only counted, and their number is logged when the
 * pool ends.
 */
final class UnaskedFailures {
    /** How many failures of a pool are logged one by one. */
    static final int MOST_TOLD = 100;

    private static final Unreachable FORGOTTEN = new Unreachable("sennit-unasked");
    private static final boolean ARE_OFF = "off".equals(System.getProperty("sennit.unasked"));

    /** Where failures are logged. Replaced only by tests. */
    private static volatile BiConsumer<String, @Nullable Throwable> log = Uncaught::warn;

    private final String pool;
    private final boolean areTold;
    private final AtomicLong noted = new AtomicLong();
    private final AtomicLong told = new AtomicLong();
    private final AtomicLong onlyCounted = new AtomicLong();
    private final Set<Unasked> pending = ConcurrentHashMap.newKeySet();

    UnaskedFailures(String pool, boolean areTold) {
        this.pool = pool;
        this.areTold = areTold && !ARE_OFF;
    }

    /** Replaces the log, and returns the one before; for tests. */
    static BiConsumer<String, @Nullable Throwable> tellTo(BiConsumer<String, @Nullable Throwable> listener) {
        BiConsumer<String, @Nullable Throwable> before = log;
        log = listener;
        return before;
    }

    /** Notes a failure that no caller has asked for; returns null if such failures are not logged. */
    @Nullable Unasked note(TaskFuture<?> future, Throwable failure) {
        if (!areTold) {
            return null;
        }
        var unasked = new Unasked(this, future.name(), failure);
        try {
            unasked.registration = FORGOTTEN.register(future, unasked);
        } catch (OutOfMemoryError e) {
            // no thread available: the failure is logged when the pool is closed
        }
        pending.add(unasked);
        return unasked;
    }

    /** Logs all failures that no caller has asked for. Called when the pool has ended. */
    void tellAll() {
        if (noted.get() == 0) {
            return;
        }
        List<Unasked> left = pending.stream()
                .sorted(Comparator.comparingLong(unasked -> unasked.number))
                .toList();
        left.forEach(Unasked::unwatch);
        long others = onlyCounted.getAndSet(0);
        if (others > 0) {
            log.accept(others + " more tasks failed on " + pool + ", and nobody asked for their results", null);
        }
    }

    private void tell(Unasked unasked) {
        if (!pending.remove(unasked)) {
            return; // a caller asked, or it has been logged
        }
        if (told.incrementAndGet() > MOST_TOLD) {
            onlyCounted.incrementAndGet();
            return;
        }
        log.accept("task " + unasked.task + " failed on " + pool + ", and nobody asked for its result",
                unasked.failure);
    }

    /** One failure. Must not refer to the future. */
    static final class Unasked implements Runnable {
        private final UnaskedFailures all;
        private final String task;
        private final Throwable failure;
        private final long number;
        /** Written before this is published. */
        private Cleaner.@Nullable Cleanable registration;

        private Unasked(UnaskedFailures all, String task, Throwable failure) {
            this.all = all;
            this.task = task;
            this.failure = failure;
            this.number = all.noted.incrementAndGet();
        }

        /**
         * Logs the failure, unless that was done or it was forgotten. Called when the future is unreachable, or by
         * {@link #unwatch}.
         */
        @Override
        public void run() {
            all.tell(this);
        }

        /** Forgets the failure, as a caller has asked for it. */
        void forget() {
            all.pending.remove(this);
            unwatch();
        }

        /** Stops watching the future, which calls {@link #run} unless it was called before. */
        private void unwatch() {
            if (registration != null) {
                registration.clean();
            }
        }
    }
}
