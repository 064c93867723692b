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
 * The failures of one pool's tasks that nobody has asked for. Each is told once, with its stack: when its future becomes
 * unreachable, as nobody can ask then, or when the pool has ended, as the program may end with it.
 *
 * <p>A failure that somebody asks for before is forgotten. What is kept of one never refers to its future. It is kept no longer than
 * the future, which has the failure itself: so there is no bound but that of the futures that the program keeps. What is told has
 * one: after {@value #MOST_TOLD} failures of a pool the others are counted, and the pool's end tells their number.
 */
final class UnaskedFailures {
    /** How many failures of a pool are told one by one. */
    static final int MOST_TOLD = 100;

    private static final Unreachable FORGOTTEN = new Unreachable("sennit-unasked");
    private static final boolean ARE_OFF = "off".equals(System.getProperty("sennit.unasked"));

    /** Where failures are told. Replaced by tests alone. */
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

    /** Tells another listener, and returns the one before; for tests. */
    static BiConsumer<String, @Nullable Throwable> tellTo(BiConsumer<String, @Nullable Throwable> listener) {
        BiConsumer<String, @Nullable Throwable> before = log;
        log = listener;
        return before;
    }

    /** Notes a failure that nobody has asked for; null if such failures are not told. */
    @Nullable Unasked note(TaskFuture<?> future, Throwable failure) {
        if (!areTold) {
            return null;
        }
        var unasked = new Unasked(this, future.name(), failure);
        try {
            unasked.registration = FORGOTTEN.register(future, unasked);
        } catch (OutOfMemoryError e) {
            // no thread to be had: it is told when the pool is closed
        }
        pending.add(unasked);
        return unasked;
    }

    /** The pool has ended: tells what nobody has asked for until now. */
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
            return; // somebody asked, or it has been told
        }
        if (told.incrementAndGet() > MOST_TOLD) {
            onlyCounted.incrementAndGet();
            return;
        }
        log.accept("task " + unasked.task + " failed on " + pool + ", and nobody asked for its result", unasked.failure);
    }

    /** One failure. Must not refer to the future. */
    static final class Unasked implements Runnable {
        private final UnaskedFailures all;
        private final String task;
        private final Throwable failure;
        private final long number;
        /** Written before anybody else has this. */
        private Cleaner.@Nullable Cleanable registration;

        private Unasked(UnaskedFailures all, String task, Throwable failure) {
            this.all = all;
            this.task = task;
            this.failure = failure;
            this.number = all.noted.incrementAndGet();
        }

        /** The future has become unreachable, or will not be watched any more. */
        @Override
        public void run() {
            all.tell(this);
        }

        /** Somebody asked. */
        void forget() {
            all.pending.remove(this);
            unwatch();
        }

        /** Watches the future no more, and tells the failure unless that was done or it was forgotten. */
        private void unwatch() {
            if (registration != null) {
                registration.clean();
            }
        }
    }
}
