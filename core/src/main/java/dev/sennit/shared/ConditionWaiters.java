package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.internal.machine.ProcessIdentity;
import dev.sennit.internal.machine.Sharing;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The entries of all threads that wait for the conditions of one lock, in the memory of the lock. So a signal wakes one
 * of these threads and no other.
 *
 * <h2>States of an entry</h2>
 *
 * <pre>
 *   FREE       -- claim ---------------------------------------------> WAITING
 *   WAITING    -- signal, the one that waits longest ----------------> SIGNALLED
 *   WAITING, SIGNALLED -- leave -------------------------------------> FREE
 *   SIGNALLED, and its process is dead -- takeOver by another waiter -> FREE
 * </pre>
 *
 * <p>Only the owner of the lock makes these changes, except for the last. The last is a compare-and-set of a word that
 * also holds the entry's ticket, and no two waits have the same ticket: so a late takeover cannot steal the signal of
 * another thread that has got the entry since.
 *
 * <p>There are {@link #MOST} entries. A thread that finds no free entry waits without, and any signal ends its wait: a
 * wait for a condition may end spuriously.
 */
final class ConditionWaiters {
    private static final int MOST = 1_000;
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final VarHandle LONGS = JAVA_LONG.varHandle();

    /** All entries in use are below this number. Only the owner of the lock writes it. */
    private static final long USED = 0;
    /** The next ticket. Only the owner of the lock. */
    private static final long TICKET = 4;

    private static final long FIRST = 64;
    private static final long ENTRY = 16;
    // An entry is two longs: the identity of its process, then its status. The high half of the status is the ticket;
    // the low half, on which the thread sleeps, is the condition's number above two bits of state.
    private static final long STATUS = 8;
    private static final long LOW = STATUS + (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 0 : 4);
    private static final long FREE = 0;
    private static final long WAITING = 1;
    private static final long SIGNALLED = 2;
    private static final long STATE = 3;

    /** The size in memory. Pages of entries that were never used take none. */
    static final long BYTES = FIRST + MOST * ENTRY;

    private final MemorySegment memory;

    /**
     * Uses the entries in some memory.
     *
     * @param memory {@link #BYTES} bytes, aligned to 8; zero before their first use
     */
    ConditionWaiters(MemorySegment memory) {
        this.memory = memory;
    }

    // ---- for the owner of the lock ----

    /** Returns an entry for the calling thread, which is about to wait for a condition, or 0 if there is none. */
    long claim(int condition) {
        long entry = unused();
        if (entry != 0) {
            int ticket = (int) INTS.get(memory, TICKET);
            INTS.set(memory, TICKET, ticket + 1);
            LONGS.setVolatile(memory, entry, ProcessIdentity.SELF);
            LONGS.setVolatile(memory, entry + STATUS, (long) ticket << 32 | of(condition) | WAITING);
        }
        return entry;
    }

    private long unused() {
        for (long entry = FIRST; entry < end(); entry += ENTRY) {
            if (status(entry) == FREE) {
                return entry;
            }
        }
        int used = (int) INTS.get(memory, USED);
        if (used < MOST) {
            INTS.set(memory, USED, used + 1);
            return FIRST + used * ENTRY;
        }
        for (long entry = FIRST; entry < end(); entry += ENTRY) {
            // not SIGNALLED: a waiter takes that signal over
            if ((status(entry) & STATE) == WAITING && isOfDead(entry)) {
                return entry;
            }
        }
        return 0;
    }

    /** Frees an entry. Returns whether it was signalled. */
    boolean leave(long entry) {
        boolean signalled = (status(entry) & STATE) == SIGNALLED;
        LONGS.setVolatile(memory, entry + STATUS, FREE);
        int used = (int) INTS.get(memory, USED);
        while (used > 0 && status(FIRST + (used - 1) * ENTRY) == FREE) {
            used--;
        }
        INTS.set(memory, USED, used);
        return signalled;
    }

    /** Signals the thread that has waited longest for a condition, if any. */
    void signal(int condition) {
        long first = 0;
        for (long entry = FIRST; entry < end(); entry += ENTRY) {
            if (waitsFor(condition, entry) && (first == 0 || ticket(entry) - ticket(first) < 0)) {
                first = entry;
            }
        }
        if (first != 0) {
            wake(first);
        }
    }

    void signalAll(int condition) {
        for (long entry = FIRST; entry < end(); entry += ENTRY) {
            if (waitsFor(condition, entry)) {
                wake(entry);
            }
        }
    }

    private void wake(long entry) {
        LONGS.setVolatile(memory, entry + STATUS, status(entry) ^ WAITING ^ SIGNALLED);
        Sharing.here().wake(word(entry), 1);
    }

    // ---- for a waiting thread ----

    boolean isSignalled(long entry) {
        return (status(entry) & STATE) == SIGNALLED;
    }

    /** Sleeps until the entry is signalled, but no longer than a slice. */
    void await(long entry, int condition, WaitLimit limit) throws InterruptedException {
        Sharing.here().await(word(entry), (int) (of(condition) | WAITING), limit);
    }

    /**
     * Takes over the signal of a thread whose process died before the thread noticed. Returns whether there was such a
     * signal.
     */
    boolean takeOver(int condition) {
        for (long entry = FIRST; entry < end(); entry += ENTRY) {
            long status = status(entry);
            if ((int) status == (int) (of(condition) | SIGNALLED)
                    && isOfDead(entry)
                    && LONGS.compareAndSet(memory, entry + STATUS, status, FREE)) {
                return true;
            }
        }
        return false;
    }

    // ---- an entry ----

    private long end() {
        return FIRST + Math.min(MOST, (int) INTS.getVolatile(memory, USED)) * ENTRY;
    }

    private static long of(int condition) {
        return (condition + 1L) << 2;
    }

    private MemorySegment word(long entry) {
        return memory.asSlice(entry + LOW, 4);
    }

    private long status(long entry) {
        return (long) LONGS.getVolatile(memory, entry + STATUS);
    }

    private int ticket(long entry) {
        return (int) (status(entry) >>> 32);
    }

    private boolean waitsFor(int condition, long entry) {
        return (int) status(entry) == (int) (of(condition) | WAITING);
    }

    private boolean isOfDead(long entry) {
        long identity = (long) LONGS.getVolatile(memory, entry);
        return identity != ProcessIdentity.SELF && !ProcessIdentity.isAlive(identity);
    }
}
