package dev.sennit.shared;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.sennit.internal.Waits;
import dev.sennit.internal.machine.Sharing;
import dev.sennit.internal.machine.WaitLimit;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A flag in shared memory that threads of all processes wait for: {@link dev.sennit.Event} between processes.
 *
 * {@snippet :
 * SharedEvent go = SharedEvent.create();
 * try (Pool pool = Pools.open("processes:2")) {
 *     var waiting = pool.submit(() -> {
 *         go.await();
 *         return "gone";
 *     });
 *     go.set();
 *     System.out.println(waiting.get()); // gone
 * }
 * }
 *
 * <p>{@link #set} ends every wait that has begun, even if the event is cleared at once. A task captures the event.
 * Platform and virtual threads may wait, and notice interrupts and time limits within some milliseconds. <b>Memory
 * effects</b>: actions before {@link #set} are visible after an {@link #await} that it ended, in shared memory too.
 *
 * <p><b>When a process dies</b>, the event stays as it is: an event has no owner, and nobody can tell that the dead
 * process would have set it. For that, wait with a time limit.
 */
public final class SharedEvent extends SharedSynchronizer {
    private static final long serialVersionUID = 1L;
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final int SET = 1;

    /** One int: bit 0 is the flag, the other bits count changes from clear to set. */
    private final transient MemorySegment word;

    SharedEvent(SharedMemory memory) {
        super(memory);
        this.word = memory.segment();
    }

    /**
     * Makes an event that is clear.
     *
     * @return the event
     * @throws java.io.UncheckedIOException when the system has no room or no file descriptor for it
     */
    public static SharedEvent create() {
        return SharedMemory.createCollected(4).as(SharedEvent.class, SharedEvent::new);
    }

    /** Sets this event, and ends all waits for it. */
    public void set() {
        while (true) {
            int seen = seen();
            boolean isSet = (seen & SET) != 0;
            // Written even if already set: otherwise a clear() after this would not see what this thread did before.
            if (INTS.compareAndSet(word, 0L, seen, isSet ? seen : (seen + 2) | SET)) {
                if (!isSet) {
                    Sharing.here().wake(word, Integer.MAX_VALUE);
                }
                return;
            }
        }
    }

    /** Clears this event: a wait that begins from now on ends with the next {@link #set}. */
    public void clear() {
        int ignored = (int) INTS.getAndBitwiseAnd(word, 0L, ~SET);
    }

    /**
     * Returns whether this event is set.
     *
     * @return true from {@link #set} to {@link #clear}
     */
    public boolean isSet() {
        return (seen() & SET) != 0;
    }

    private int seen() {
        return (int) INTS.getVolatile(word, 0L);
    }

    /**
     * Waits until this event is set.
     *
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     */
    public void await() throws InterruptedException {
        boolean ignored = await(WaitLimit.none());
    }

    /**
     * Waits until this event is set, for some time at most.
     *
     * @param timeout the longest to wait; zero or less does not wait
     * @return false if the time was over first
     * @throws InterruptedException if the calling thread is interrupted before or meanwhile
     */
    public boolean await(Duration timeout) throws InterruptedException {
        return await(new WaitLimit(TimeUnit.NANOSECONDS.convert(timeout)));
    }

    private boolean await(WaitLimit limit) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        int before = seen();
        if ((before & SET) != 0) {
            return true;
        }
        while (seen() == before) {
            if (limit.isOver()) {
                return false;
            }
            try (var _ = Waits.outOfTurn()) {
                Sharing.here().await(word, before, limit);
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "SharedEvent[" + (isSet() ? "set" : "clear") + "]";
    }
}
