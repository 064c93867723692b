package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.Action;
import dev.sennit.codec.Address;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Durations;
import dev.sennit.internal.machine.ProcessIdentity;
import dev.sennit.internal.machine.Sharing;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A barrier in shared memory: threads of all processes wait for each other there, again and again, as at a
 * {@link java.util.concurrent.CyclicBarrier}.
 *
 * {@snippet :
 * SharedBarrier barrier = SharedBarrier.create(2);
 * try (Pool pool = Pools.open("processes:1")) {
 *     pool.submit(() -> barrier.await());
 *     int arrival = barrier.await(); // 0 for whoever came last
 * }
 * }
 *
 * <p><b>All waiting threads get through, or none.</b> If one of them is interrupted or its time is over, <b>or its
 * process dies</b>, the barrier is broken: all others get a {@link BrokenBarrierException} with the reason within some
 * milliseconds, and so do later callers, until {@link #reset}. The barrier does not know of a process that dies before
 * it comes: use a time limit for that. A process that dies after the last party has come breaks nothing.
 *
 * <p>Platform and virtual threads may use it. A task captures it. While a {@code CyclicBarrier} is made with the action
 * that it runs when it opens, each party of this barrier passes the action to {@link #await(Action)}. <b>Memory
 * effects</b>: actions before {@link #await()} are visible to the threads that return with it, in shared memory too.
 */
public final class SharedBarrier extends SharedSynchronizer {
    /*
     * The guard protects everything. Each waiting thread has an entry: its process, and its round. One write, the
     * number of the next round, opens the barrier. A broken round is marked in the entries of all threads that wait in
     * it. So a process that dies with the guard leaves nothing done, or a finished round, or a partly marked round,
     * which the next owner of the guard marks completely.
     */
    private static final long serialVersionUID = 1L;
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private static final long ROUND = LockWord.BYTES + SignalWord.BYTES;
    /** 0, or why this round is broken: the id of a process that died, or one of the negative reasons. */
    private static final long BROKEN = ROUND + 4;
    private static final int LEFT = -1;

    private static final int ABORTED = -2;
    private static final int ACTION_FAILED = -3;

    private static final long FIRST = ROUND + 64;
    private static final long ENTRY = 16;
    // Of an entry, after the identity of its process, which is 0 in a free entry:
    private static final long ENTRY_ROUND = 8;
    private static final long ENTRY_BROKEN = 12;

    private static final int MOST_PARTIES = 10_000;

    private final transient MemorySegment words;
    private final transient int parties;
    private final transient LockWord guard;
    private final transient SignalWord ended;
    /** When a thread of this process last checked the other processes. */
    private final transient AtomicLong lookedAt = new AtomicLong(Backend.current().nanoTime());

    private SharedBarrier(SharedMemory memory, int parties) {
        super(memory);
        this.words = memory.segment();
        this.parties = parties;
        this.guard = new LockWord(words);
        this.ended = new SignalWord(words.asSlice(LockWord.BYTES));
    }

    /**
     * Makes a barrier at which no thread waits.
     *
     * @param parties how many threads open it, 1 to 10,000
     * @return the barrier
     * @throws IllegalArgumentException if the number is out of bounds
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedBarrier create(int parties) {
        if (parties < 1 || parties > MOST_PARTIES) {
            throw new IllegalArgumentException("parties must be 1 to " + MOST_PARTIES + ", was " + parties);
        }
        // Twice as many entries as parties: some have yet to leave the last round while others wait in this one.
        return SharedMemory.createCollected(FIRST + 2 * parties * ENTRY)
                .as(SharedBarrier.class, memory -> new SharedBarrier(memory, parties));
    }

    /**
     * Waits until all parties have come.
     *
     * @return how many were still missing when the caller came: 0 for the last
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; the barrier is broken then
     * @throws BrokenBarrierException if the barrier was broken or reset, before or meanwhile; says why
     */
    public int await() throws InterruptedException, BrokenBarrierException {
        try {
            return await(WaitLimit.none(), null);
        } catch (TimeoutException e) {
            throw new AssertionError("gave up after 292 years", e);
        }
    }

    /**
     * Waits until all parties have come, for some time at most.
     *
     * @param timeout the longest to wait; for 0 or less not at all
     * @param unit of the time
     * @return how many were still missing when the caller came: 0 for the last
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; the barrier is broken then
     * @throws BrokenBarrierException if the barrier was broken or reset, before or meanwhile; says why
     * @throws TimeoutException if the time was over first; the barrier is broken then
     */
    public int await(long timeout, TimeUnit unit)
            throws InterruptedException, BrokenBarrierException, TimeoutException {
        return await(new WaitLimit(unit.toNanos(timeout)), null);
    }

    /**
     * Waits until all parties have come. If the caller is the last, it runs an action before any party goes on. All
     * parties have to pass the action, as any may come last; a last party without an action opens the barrier at once.
     * While the action runs the others wait; its thread holds no lock, and the death of its process breaks the barrier
     * as that of a waiting process does.
     *
     * @param action run by the last party
     * @return how many were still missing when the caller came: 0 for the party that ran the action
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; the barrier is broken then
     * @throws BrokenBarrierException if the barrier was broken or reset, before or meanwhile, also while the action ran
     *     here; says why
     * @throws java.util.concurrent.CompletionException around a checked exception of the action; the barrier is broken
     *     then, as it is for unchecked ones and errors, which come as they are
     */
    public int await(Action action) throws InterruptedException, BrokenBarrierException {
        Objects.requireNonNull(action, "action");
        try {
            return await(WaitLimit.none(), action);
        } catch (TimeoutException e) {
            throw new AssertionError("gave up after 292 years", e);
        }
    }

    private int await(WaitLimit limit, @Nullable Action action)
            throws InterruptedException, BrokenBarrierException, TimeoutException {
        long entry = 0;
        int missing = 0;
        boolean timeIsOver = limit.isOver();
        while (true) {
            int seen = ended.sequence();
            boolean isLast = false;
            enter();
            try {
                if (entry == 0) {
                    ensureNotBroken(broken());
                    int waiting = getNumberWaiting();
                    missing = parties - 1 - waiting;
                    isLast = missing == 0 && !Thread.currentThread().isInterrupted();
                    if (isLast) {
                        breakForTheDead(); // waiting threads may not have checked yet, or none may be left to check
                        ensureNotBroken(broken());
                        if (action == null) {
                            nextRound();
                            return 0;
                        }
                    }
                    // else the last party of this round runs its action, and the caller belongs to the next round
                    if (waiting < parties) {
                        entry = claim();
                    }
                }
                if (entry != 0 && isOver(entry)) {
                    LONGS.setVolatile(words, entry, 0L);
                    ensureNotBroken(brokenIn(entry));
                    return missing;
                }
                if (Thread.interrupted()) {
                    giveUp(entry);
                    throw new InterruptedException();
                }
                if (timeIsOver && !isLast) {
                    giveUp(entry);
                    throw new TimeoutException("after " + Durations.text(Duration.ofNanos(limit.nanos()))
                            + " not all of " + parties + " had come to the barrier");
                }
            } finally {
                guard.unlock();
            }
            if (isLast && entry != 0 && action != null) {
                open(entry, action);
                return 0;
            }
            try {
                sleep(seen, limit);
                lookAfterOthersNowAndThen();
                timeIsOver = limit.isOver();
            } catch (Throwable e) { // no memory or stack left, say: this thread will not free its entry
                leave(entry);
                throw e;
            }
        }
    }

    /** Ends a wait that failed: frees the entry, and breaks the round unless the round is over. */
    private void leave(long entry) {
        enter();
        try {
            if (entry != 0 && isOver(entry)) {
                LONGS.setVolatile(words, entry, 0L);
            } else {
                giveUp(entry);
            }
        } finally {
            guard.unlock();
        }
    }

    /** Runs the action of the last party, which has an entry in the round, and opens the barrier or breaks it. */
    private void open(long entry, Action action) throws BrokenBarrierException {
        int outcome = ACTION_FAILED;
        try {
            action.run();
            lookAfterOthers(); // a process may have died meanwhile
            outcome = 0;
        } finally {
            outcome = finish(entry, outcome);
        }
        ensureNotBroken(outcome);
    }

    /**
     * Ends a round after its action. Returns 0, or why the round is broken, which may have happened during the action.
     */
    private int finish(long entry, int outcome) {
        enter();
        try {
            int broken = brokenIn(entry);
            LONGS.setVolatile(words, entry, 0L);
            if (broken != 0) {
                return broken;
            }
            if (outcome == 0) {
                nextRound();
            } else {
                breakRound(outcome);
            }
            return outcome;
        } finally {
            guard.unlock();
        }
    }

    /**
     * Sleeps until the next signal. An interrupt is left to the next turn of the loop, which may find that the round is
     * over.
     */
    private void sleep(int seen, WaitLimit limit) {
        try {
            ended.await(seen, limit);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void ensureNotBroken(int why) throws BrokenBarrierException {
        if (why > 0) {
            throw new BrokenBarrierException("process " + why + " died at the barrier: reset() makes it whole");
        }
        if (why == ABORTED) {
            throw new BrokenBarrierException("the barrier was aborted: reset() makes it whole");
        }
        if (why == ACTION_FAILED) {
            throw new BrokenBarrierException("the action of the last that came failed: reset() makes it whole");
        }
        if (why < 0) {
            throw new BrokenBarrierException(
                    "one that waited was interrupted, or its time was over, or the barrier was reset");
        }
    }

    // ---- inside the guard ----

    /** Acquires the guard. If a process died with it, breaks the round. */
    private void enter() {
        if (guard.lockRecovering()) {
            breakRound(guard.deadPid());
        }
    }

    private void nextRound() {
        INTS.setVolatile(words, ROUND, round() + 1);
        INTS.setVolatile(words, BROKEN, 0);
        ended.signalAll();
    }

    private void breakRound(int why) {
        for (long entry = FIRST; entry < words.byteSize(); entry += ENTRY) {
            if (waits(entry)) {
                INTS.setVolatile(words, entry + ENTRY_BROKEN, why);
            }
        }
        INTS.setVolatile(words, BROKEN, why);
        ended.signalAll();
    }

    /** Breaks the round if a waiting process has died. */
    private void breakForTheDead() {
        long dead = deadThatWaits();
        if (dead != 0) {
            breakRound((int) ProcessIdentity.pid(dead));
        }
    }

    private void giveUp(long entry) {
        if (entry != 0) {
            LONGS.setVolatile(words, entry, 0L);
        } else if (getNumberWaiting() == parties) {
            return; // the caller belongs to the next round
        }
        breakRound(LEFT);
    }

    /** Returns an entry for the calling thread in this round, or 0 if none is free until other threads leave. */
    private long claim() {
        long unused = find(entry -> identity(entry) == 0);
        if (unused == 0) {
            unused = find(entry -> !waits(entry) && isDead(identity(entry)));
        }
        if (unused != 0) {
            LONGS.setVolatile(words, unused, 0L); // belongs to no round while it is written
            INTS.setVolatile(words, unused + ENTRY_ROUND, round());
            INTS.setVolatile(words, unused + ENTRY_BROKEN, 0);
            LONGS.setVolatile(words, unused, ProcessIdentity.SELF);
        }
        return unused;
    }

    // ---- with and without the guard ----

    private long find(LongPredicate wanted) {
        for (long entry = FIRST; entry < words.byteSize(); entry += ENTRY) {
            if (wanted.test(entry)) {
                return entry;
            }
        }
        return 0;
    }

    private boolean isOver(long entry) {
        return brokenIn(entry) != 0 || (int) INTS.getVolatile(words, entry + ENTRY_ROUND) != round();
    }

    private boolean waits(long entry) {
        return identity(entry) != 0 && !isOver(entry);
    }

    private void lookAfterOthersNowAndThen() {
        long last = lookedAt.get();
        long now = Backend.current().nanoTime();
        if (now - last >= Sharing.SLICE_NANOS && lookedAt.compareAndSet(last, now)) {
            lookAfterOthers();
        }
    }

    private void lookAfterOthers() {
        long dead = deadThatWaits();
        if (dead == 0) {
            return;
        }
        enter();
        try {
            if (find(entry -> identity(entry) == dead && waits(entry)) != 0) {
                breakRound((int) ProcessIdentity.pid(dead));
            }
        } finally {
            guard.unlock();
        }
    }

    /** Returns the identity of a waiting process that has died, or 0. */
    private long deadThatWaits() {
        Set<Long> others = new HashSet<>();
        for (long entry = FIRST; entry < words.byteSize(); entry += ENTRY) {
            if (waits(entry)) {
                others.add(identity(entry));
            }
        }
        for (long identity : others) {
            if (isDead(identity)) {
                return identity;
            }
        }
        return 0;
    }

    private static boolean isDead(long identity) {
        return identity != 0 && identity != ProcessIdentity.SELF && !ProcessIdentity.isAlive(identity);
    }

    private long identity(long entry) {
        return (long) LONGS.getVolatile(words, entry);
    }

    private int brokenIn(long entry) {
        return (int) INTS.getVolatile(words, entry + ENTRY_BROKEN);
    }

    private int round() {
        return (int) INTS.getVolatile(words, ROUND);
    }

    private int broken() {
        return (int) INTS.getVolatile(words, BROKEN);
    }

    /**
     * Breaks the barrier: waiting threads, and callers before {@link #reset}, get a {@link BrokenBarrierException}. For
     * a process that knows that a party will not come.
     */
    public void abort() {
        enter();
        try {
            breakRound(ABORTED);
        } finally {
            guard.unlock();
        }
    }

    /** Makes the barrier as good as new. Waiting threads get a {@link BrokenBarrierException}. */
    public void reset() {
        enter();
        try {
            breakRound(LEFT);
            nextRound();
        } finally {
            guard.unlock();
        }
    }

    /**
     * Returns whether the barrier is broken: a party left it, {@linkplain #abort aborted} it or died at it, and it has
     * not been {@linkplain #reset reset} since.
     *
     * @return true if so
     */
    public boolean isBroken() {
        return broken() != 0;
    }

    /**
     * Returns how many threads open the barrier.
     *
     * @return the number
     */
    public int getParties() {
        return parties;
    }

    /**
     * Returns how many threads wait at the moment.
     *
     * @return the number
     */
    public int getNumberWaiting() {
        int waiting = 0;
        for (long entry = FIRST; entry < words.byteSize(); entry += ENTRY) {
            if (waits(entry)) {
                waiting++;
            }
        }
        return waiting;
    }

    @Override
    public String toString() {
        return "SharedBarrier[" + getNumberWaiting() + " of " + parties + " wait" + (isBroken() ? ", broken]" : "]");
    }

    @Override
    Address address() {
        return new Sent(memory, parties);
    }

    /** The form in which a barrier travels. */
    private record Sent(SharedMemory memory, int parties) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return memory.as(SharedBarrier.class, here -> new SharedBarrier(here, parties));
        }
    }
}
