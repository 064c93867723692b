package dev.sennit.manager;

import dev.sennit.Action;
import dev.sennit.manager.wire.BarrierOperations;
import java.io.Serializable;
import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A barrier in a manager, with the action that this client runs when it comes last; each method is one call. */
@SuppressWarnings("serial") // the field is a proxy, which travels
final class RemoteBarrier implements ManagedBarrier, Serializable {
    private static final long serialVersionUID = 1L;

    private final BarrierOperations barrier;
    private final @Nullable Action action;

    RemoteBarrier(BarrierOperations barrier, @Nullable Action action) {
        this.barrier = barrier;
        this.action = action;
    }

    @Override
    public int await() throws InterruptedException, BrokenBarrierException {
        try {
            return await(Long.MAX_VALUE);
        } catch (TimeoutException e) {
            throw new AssertionError("gave up after 292 years", e);
        }
    }

    @Override
    public int await(Duration timeout) throws InterruptedException, BrokenBarrierException, TimeoutException {
        return await(TimeUnit.NANOSECONDS.convert(timeout));
    }

    private int await(long nanos) throws InterruptedException, BrokenBarrierException, TimeoutException {
        int missing = barrier.await(action != null, nanos);
        if (missing != BarrierOperations.RUN_ACTION || action == null) {
            return missing;
        }
        try {
            action.run();
        } catch (Throwable e) {
            try {
                barrier.actionDone(false);
            } catch (BrokenBarrierException | RuntimeException alsoFailed) {
                e.addSuppressed(alsoFailed);
            }
            throw e;
        }
        barrier.actionDone(true);
        return 0;
    }

    @Override
    public void abort() {
        barrier.abort();
    }

    @Override
    public void reset() {
        barrier.reset();
    }

    @Override
    public boolean isBroken() {
        return barrier.isBroken();
    }

    @Override
    public int parties() {
        return barrier.parties();
    }

    @Override
    public int waiting() {
        return barrier.waiting();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RemoteBarrier same && barrier.equals(same.barrier);
    }

    @Override
    public int hashCode() {
        return barrier.hashCode();
    }

    @Override
    public String toString() {
        return barrier.toString();
    }
}
