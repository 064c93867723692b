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
 * A barrier in shared memory: threads of all processes wait for each other there, again and again, as at a {@link
 * java.util.concurrent.CyclicBarrier}.
 *
 * {@snippet :
 * SharedBarrier barrier = SharedBarrier.create(2);
 * try (Pool pool = Pools.open("processes:1")) {
 *     pool.submit(() -> barrier.await());
 *     int arrival = barrier.await(); // 0 for whoever came last
 * }
 * }
 *
 * <p><b>All or none</b> of those that wait get through. If one of them is interrupted or its time is over, <b>or its process
 * dies</b>, the barrier is broken: all others get a {@link BrokenBarrierException} within some milliseconds, which says so,
 * and so does whoever comes later, until {@link #reset}. A process that dies before it comes has not been heard of: for that,
 * wait with a time limit. One that dies after the last has come is not missed.
 *
 * <p>Platform and virtual threads may use it. A task captures it. What a {@code CyclicBarrier} runs when it opens, the
 * parties of this one give to {@link #await(Action)}. <b>Memory effects</b>:
 * what was done before {@link #await()} is seen after those that return with it, in shared memory too.
 */
public final class SharedBarrier extends SharedSynchronizer {
    /*
     * A lock guards all. Who waits has an entry: its process, and the round it waits in. One write, the round's number,
     * opens the barrier; a round that is broken is marked in the entries of all that wait in it. So a death inside the guard
     * leaves either nothing done, or a round that is over, or one that whoever comes next marks as broken to the end.
     */
    private static final long serialVersionUID = 1L;
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    private static final long ROUND = LockWord.BYTES + SignalWord.BYTES;
    /** 0, or why this round is broken: the number of a process that died, or a negative reason. */
    private static final long BROKEN = ROUND + 4;
    private static final int LEFT = -1;

    private static final int ABORTED = -2;
    private static final int ACTION_FAILED = -3;

    private static final long FIRST = ROUND + 64;
    private static final long ENTRY = 16;
    // Of an entry, after the identity of its process, or 0:
    private static final long ENTRY_ROUND = 8;
    private static final long ENTRY_BROKEN = 12;

    private static final int MOST_PARTIES = 10_000;

    private final transient MemorySegment words;
    private final transient int parties;
    private final transient LockWord guard;
    private final transient SignalWord ended;
    /** When a thread of this process last looked after the others. */
    private final transient AtomicLong lookedAt = new AtomicLong(Backend.current().nanoTime());

    private SharedBarrier(SharedMemory memory, int parties) {
        super(memory);
        this.words = memory.segment();
        this.parties = parties;
        this.guard = new LockWord(words);
        this.ended = new SignalWord(words.asSlice(LockWord.BYTES));
    }

    /**
     * Makes a barrier at which nobody waits.
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
        // Twice as many entries: some have yet to leave the last round while others wait in this one.
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
     * @throws TimeoutException when the time was over first; the barrier is broken then
     */
    public int await(long timeout, TimeUnit unit) throws InterruptedException, BrokenBarrierException, TimeoutException {
        return await(new WaitLimit(unit.toNanos(timeout)), null);
    }

    /**
     * Waits until all parties have come, and runs an action before any of them goes on, if the caller is the last. All parties
     * have to give it, as any may come last; a party that gives none opens the barrier without. While it runs the others wait:
     * the thread holds no lock, and its process may die as one that waits.
     *
     * @param action what the last one runs
     * @return how many were still missing when the caller came: 0 for the one that ran the action
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile; the barrier is broken then
     * @throws BrokenBarrierException if the barrier was broken or reset, before or meanwhile, which includes while the action
     *     ran here; says why
     * @throws java.util.concurrent.CompletionException around a checked exception of the action; the barrier is broken then,
     *     as it is for unchecked ones and errors, which come as they are
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
                        breakForTheDead(); // those that wait may not have looked yet, or there may be none left to look
                        ensureNotBroken(broken());
                        if (action == null) {
                            nextRound();
                            return 0;
                        }
                    }
                    if (waiting < parties) { // else the last one of this round runs its action: the caller is of the next
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
            } catch (Throwable e) { // no memory or stack left, say: nobody comes back for the entry
                leave(entry);
                throw e;
            }
        }
    }

    /** Ends a wait that failed: breaks the round, unless that is over. */
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

    /** The last one of a round, with an entry in it, which runs the action and opens the barrier, or breaks it. */
    private void open(long entry, Action action) throws BrokenBarrierException {
        int outcome = ACTION_FAILED;
        try {
            action.run();
            lookAfterOthers(); // which died meanwhile, maybe
            outcome = 0;
        } finally {
            outcome = finish(entry, outcome);
        }
        ensureNotBroken(outcome);
    }

    /** Ends a round whose action has ended; returns 0, or why it is broken, which it may have been meanwhile. */
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

    /** An interrupt is seen in the next turn, as that may find that the round is over. */
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
            throw new BrokenBarrierException("one that waited was interrupted, or its time was over, or the barrier was reset");
        }
    }

    // ---- inside the guard ----

    /** Takes the guard; the round in which a process died inside is broken. */
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

    /** Breaks the round if a process that waits in it has died. */
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
            return; // the caller was of the next round
        }
        breakRound(LEFT);
    }

    /** An entry for the calling thread in this round; 0 if there is none until others have left. */
    private long claim() {
        long unused = find(entry -> identity(entry) == 0);
        if (unused == 0) {
            unused = find(entry -> !waits(entry) && isDead(identity(entry)));
        }
        if (unused != 0) {
            LONGS.setVolatile(words, unused, 0L); // of no round while it is written
            INTS.setVolatile(words, unused + ENTRY_ROUND, round());
            INTS.setVolatile(words, unused + ENTRY_BROKEN, 0);
            LONGS.setVolatile(words, unused, ProcessIdentity.SELF);
        }
        return unused;
    }

    // ---- anywhere ----

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

    /** A process that waits and has died; 0 if there is none. */
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
     * Breaks the barrier: whoever waits there, or comes before {@link #reset}, gets a {@link BrokenBarrierException}. For a
     * process that knows that a party will not come.
     */
    public void abort() {
        enter();
        try {
            breakRound(ABORTED);
        } finally {
            guard.unlock();
        }
    }

    /** Makes the barrier as good as new. Whoever waits gets a {@link BrokenBarrierException}. */
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
     * Whether the barrier is broken: somebody left it, {@linkplain #abort aborted} it or died at it, and nobody has {@linkplain #reset reset} it.
     *
     * @return true if so
     */
    public boolean isBroken() {
        return broken() != 0;
    }

    /**
     * How many threads open it.
     *
     * @return the number
     */
    public int getParties() {
        return parties;
    }

    /**
     * How many threads wait, at this moment.
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

    /** What is sent in its place. */
    private record Sent(SharedMemory memory, int parties) implements Address {
        private static final long serialVersionUID = 1L;

        @Override
        public Object readResolve() {
            return memory.as(SharedBarrier.class, here -> new SharedBarrier(here, parties));
        }
    }
}
