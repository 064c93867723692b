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
 * Who reads what a manager's server answers: one of the threads that wait for answers, or the connection's own.
 *
 * <p>To be woken by a thread that the system has woken takes twice as long as to be woken by the system, and to look for some
 * microseconds takes less than either. So a caller that finds nobody reading does so itself, for itself and for others.
 *
 * <h2>The role and the watch</h2>
 * <pre>
 * role    whose it is takes bytes from the wire, cuts messages out of them, and ends the calls that they answer
 * watch   whose it is may sleep in the wire
 * </pre>
 *
 * <p>A caller that gets the role leads: it looks for a while, if that has helped lately, and then sleeps, if it gets the watch. It
 * gives the role up when its own call is over, when it is interrupted, or when somebody else is to read. A caller that does not
 * lead parks. A virtual thread never leads, as it must not keep its carrier, and nobody leads on who has led for {@link
 * #PATIENCE_MILLIS} without an answer of its own, whatever came for others: who waits that long may wait for hours.
 *
 * <p>The connection's own thread, the keeper, has the watch while nobody calls, so that the end of the connection is noticed and
 * what was not sent is sent, and while calls wait whose callers do not lead. It reads when something came and the role is free.
 * When it sees that callers lead it goes, as each answer would wake it for nothing, and comes back when none has led for {@link
 * #REST_NANOS}.
 *
 * <h2>Nobody is forgotten</h2>
 *
 * <p>Whoever gives up the role or the watch looks afterwards whether both are free and a call waits. If so it wakes a caller that
 * may lead, or the keeper. A call is among those that wait before its caller looks whether it can lead: one of the two sees the
 * other. The keeper never sleeps without a limit unless it has the watch.
 *
 * <p>When the wire has ended, or reading fails in whatever way, nobody reads any more, and the keeper hears why. It ends the
 * connection, and that ends all calls.
 */
final class ReadingRole {
    /** For how long the keeper lets callers lead before it looks whether they still do. */
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
    /** How often callers have led. */
    private final AtomicInteger turns = new AtomicInteger();
    /** The keeper is to take the watch; no caller takes it before. */
    private volatile boolean keeperWanted;
    /** Why nobody can read any more. */
    private volatile @Nullable IOException failure;

    /** Guarded by the role. Still set when reading ended in the middle of something: nobody can go on from there. */
    private boolean inside;
    /** Guarded by the role. Whether callers should look. */
    private final LearnedSpin spin = new LearnedSpin();
    /** Guarded by the role. Whether the keeper should. */
    private final LearnedSpin keepersSpin = new LearnedSpin();

    /** With the calling thread as the keeper. */
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

    /** Waits for the end of a call that was sent, or an interrupt. May return for no reason, as {@link LockSupport#park} does. */
    void await(Call call) {
        if (call.mayLead() && role.compareAndSet(false, true)) {
            try {
                turns.incrementAndGet();
                lead(call);
            } catch (IOException e) {
                fail(e);
            } catch (Throwable e) { // the caller is too deep in its stack, say: that is not for the others to suffer
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

    /** Whose role it is. */
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
            if (!call.isOver() && Backend.current().nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(patienceMillis)) {
                calls.leadsNoMore(call);
                return;
            }
        }
    }

    /** Somebody sent something: sees to it that what could not be sent will be. */
    void sent() {
        if (wire.hasUnsent()) {
            passOn();
        }
    }

    // ---- callers and keeper ----

    /** Only in {@link #receive}. While the wire has the buffer nothing is taken if it throws. */
    private int readNow(ByteBuffer target) throws IOException {
        inside = false;
        int count = wire.readNow(target);
        inside = true;
        return count;
    }

    /** Takes what is there; whose role it is. Returns whether that was a message. */
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

    /** Finds somebody to read, if nobody does and somebody should; called by who has neither role nor watch. */
    private void passOn() {
        if (role.get() || watch.get()) {
            return; // who has it will
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

    /** Something may be over, or left to do, that the keeper sees to. */
    void wantKeeper() {
        keeperWanted = true;
        LockSupport.unpark(keeper);
    }

    // ---- the keeper ----

    /** Sees to it that somebody reads, until nobody can; throws why. */
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

    /** Until callers lead. */
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

    /** Looks for the answers to calls whose callers do not; returns whether there were any. */
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
