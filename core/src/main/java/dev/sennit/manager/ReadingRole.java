package dev.sennit.manager;

import dev.sennit.internal.Backend;
import dev.sennit.internal.LearnedSpin;
import dev.sennit.manager.wire.CallsUnderWay;
import dev.sennit.manager.wire.CallsUnderWay.Call;
import dev.sennit.manager.wire.ChannelWire;
import dev.sennit.manager.wire.ManagerProtocol;
import dev.sennit.manager.wire.ManagerProtocol.Message;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Decides which thread reads the answers of a manager's server: one of the threads that wait for answers, or the
 * connection's own.
 *
 * <p>Being woken by a thread that the system has woken takes twice as long as being woken by the system, and spinning
 * for some microseconds takes less than either. So a caller that finds no reader reads itself, for itself and for
 * others.
 *
 * <h2>The role and the watch</h2>
 *
 * <pre>
 * role    its holder takes bytes from the wire, cuts messages out of them, and ends the calls that they answer
 * watch   its holder may sleep in the wire
 * </pre>
 *
 * <p>A caller that gets the role leads: it spins for a while, if that has helped lately, and then sleeps, if it gets
 * the watch. It gives the role up when its own call is over, when it is interrupted, or when the keeper is wanted. A
 * caller that does not lead parks. A virtual thread never leads, as it must not hold its carrier. A caller that has led
 * for {@link #PATIENCE_MILLIS} without an answer of its own leads no more, whatever came for others: it may wait for
 * hours.
 *
 * <p>The connection's own thread, the keeper, has the watch while there are no calls, so that it notices the end of the
 * connection and sends what is unsent, and while calls wait whose callers do not lead. It reads when bytes have come
 * and the role is free. When it sees that callers lead, it gives up the watch, as each answer would wake it in vain,
 * and comes back when no caller has led for {@link #REST_NANOS}.
 *
 * <h2>No call is forgotten</h2>
 *
 * <p>A thread that gives up the role or the watch checks afterwards whether both are free and a call waits. If so, it
 * wakes a caller that may lead, or the keeper. A call is registered before its caller checks whether it can lead: at
 * least one of the two sees the other. The keeper never sleeps without a limit unless it has the watch.
 *
 * <p>When the wire has ended, or reading fails in any way, no thread reads any more, and the keeper learns why. It ends
 * the connection, and that ends all calls.
 */
final class ReadingRole {
    /** How long the keeper lets callers lead before it checks whether they still do. */
    private static final long REST_NANOS = 10_000_000;

    private static final long PATIENCE_MILLIS = 20;

    private final ChannelWire wire;
    private final long restNanos;
    private final long patienceMillis;
    private final ManagerProtocol.Reader messages;
    private final ManagerProtocol.Reader.Source whatIsThere;
    private final CallsUnderWay calls;
    private final Thread keeper = Thread.currentThread();

    private final AtomicBoolean role = new AtomicBoolean();
    private final AtomicBoolean watch = new AtomicBoolean();
    /** How many times callers have led. */
    private final AtomicInteger turns = new AtomicInteger();
    /** Whether the keeper is to take the watch; callers leave it to the keeper then. */
    private volatile boolean keeperWanted;
    /** Why reading is over, or null. */
    private volatile @Nullable IOException failure;

    /** Guarded by the role. Still set if reading ended in the middle of a message: no thread can go on from there. */
    private boolean inside;
    /** Guarded by the role. Whether spinning helps callers. */
    private final LearnedSpin spin = new LearnedSpin();
    /** Guarded by the role. Whether spinning helps the keeper. */
    private final LearnedSpin keepersSpin = new LearnedSpin();

    /** Makes the calling thread the keeper. */
    ReadingRole(ChannelWire wire, int longest, CallsUnderWay calls) {
        this(wire, longest, calls, REST_NANOS, PATIENCE_MILLIS);
    }

    /** For tests, with other times: no answer may depend on the keeper's coming back by itself. */
    ReadingRole(ChannelWire wire, int longest, CallsUnderWay calls, long restNanos, long patienceMillis) {
        this.wire = wire;
        this.calls = calls;
        this.restNanos = restNanos;
        this.patienceMillis = patienceMillis;
        messages = new ManagerProtocol.Reader(wire, longest);
        whatIsThere = this::readNow;
    }

    // ---- callers ----

    /** Waits until a sent call is over, or an interrupt. May return spuriously, as {@link LockSupport#park} does. */
    void await(Call call) {
        if (call.mayLead() && role.compareAndSet(false, true)) {
            try {
                turns.incrementAndGet();
                lead(call);
            } catch (IOException e) {
                fail(e);
            } catch (Throwable e) { // the caller is too deep in its stack, say: other callers must not suffer from that
                if (inside) {
                    fail(e);
                } else {
                    calls.leadsNoMore(call);
                }
            } finally {
                role.set(false);
            }
        }
        passOn();
        if (!call.isOver()) {
            LockSupport.park(this);
        }
    }

    /** Reads until the call is over. Called with the role. */
    private void lead(Call call) throws IOException {
        long start = Backend.current().nanoTime();
        while (failure == null && !call.isOver()) {
            if (spin.until(() -> receive() && call.isOver()) || keeperWanted || !watch.compareAndSet(false, true)) {
                return;
            }
            try {
                wire.await(patienceMillis);
            } finally {
                watch.set(false);
            }
            receive();
            if (Thread.currentThread().isInterrupted()) {
                return;
            }
            if (!call.isOver()
                    && Backend.current().nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(patienceMillis)) {
                calls.leadsNoMore(call);
                return;
            }
        }
    }

    /** Called after a thread has sent something: makes sure that unsent bytes will be sent. */
    void sent() {
        if (wire.hasUnsent()) {
            passOn();
        }
    }

    // ---- callers and keeper ----

    /** Only in {@link #receive}. If the wire throws while it has the buffer, no bytes were taken. */
    private int readNow(ByteBuffer target) throws IOException {
        inside = false;
        int count = wire.readNow(target);
        inside = true;
        return count;
    }

    /** Takes the bytes that are there. Called with the role. Returns whether there was a message. */
    private boolean receive() throws IOException {
        if (inside) {
            throw new IOException("reading its answers ended in the middle");
        }
        inside = true;
        if (!messages.receive(whatIsThere)) {
            throw new EOFException(ManagerProtocol.ENDED);
        }
        boolean came = false;
        for (Message message = messages.cut(); message != null; message = messages.cut()) {
            calls.answer(message);
            came = true;
        }
        inside = false;
        return came;
    }

    /** Finds a thread to read, if none does and one should. Called without the role and the watch. */
    private void passOn() {
        if (role.get() || watch.get()) {
            return; // the holder will
        }
        Thread leader = null;
        if (!keeperWanted && failure == null && !wire.hasUnsent()) {
            leader = calls.leader();
            if (leader == null && !calls.haveOthers()) {
                return;
            }
        }
        if (leader != null) {
            LockSupport.unpark(leader);
        } else {
            wantKeeper();
        }
    }

    private void fail(Throwable e) {
        if (failure == null) {
            failure = switch (e) {
                case IOException known -> known;
                case OutOfMemoryError none -> new IOException("no memory for its answer", none);
                default -> new IOException("its answers cannot be read: " + e, e);
            };
        }
        wire.wake();
        wantKeeper();
    }

    /** Asks for the keeper: the connection may be over, or have work for it. */
    void wantKeeper() {
        keeperWanted = true;
        LockSupport.unpark(keeper);
    }

    // ---- the keeper ----

    /** Makes sure that a thread reads, until reading is over; throws the reason. */
    void keep() throws IOException {
        while (true) {
            if (watch.compareAndSet(false, true)) {
                keeperWanted = false;
                try {
                    keepWatch();
                } catch (Throwable e) {
                    fail(e);
                } finally {
                    watch.set(false);
                }
            }
            IOException why = failure;
            if (why != null) {
                throw why;
            }
            passOn();
            rest();
        }
    }

    /** Keeps the watch until callers lead. */
    private void keepWatch() throws IOException {
        int before = turns.get();
        while (turns.get() == before && failure == null) {
            if (!hasLooked()) {
                wire.await(ChannelWire.FOREVER);
                if (!role.compareAndSet(false, true)) {
                    return;
                }
                try {
                    receive();
                } finally {
                    role.set(false);
                }
            }
        }
    }

    /** Spins for the answers to calls whose callers do not lead; returns whether there were any. */
    private boolean hasLooked() throws IOException {
        if (!calls.haveOthers() || !role.compareAndSet(false, true)) {
            return false;
        }
        try {
            return keepersSpin.until(this::receive);
        } finally {
            role.set(false);
        }
    }

    private void rest() {
        int before;
        do {
            before = turns.get();
            LockSupport.parkNanos(this, restNanos);
        } while (turns.get() != before && !keeperWanted);
    }
}
