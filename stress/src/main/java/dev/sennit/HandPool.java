package dev.sennit;

import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A pool whose tasks are run by whoever asks for it: by an actor of a test, in that one's thread. */
final class HandPool extends AbstractPool {
    static final HandPool ONE = new HandPool();

    private final ThreadLocal<@Nullable Submission<?>> taken = new ThreadLocal<>();

    private HandPool() {
        super(new Settings(), 1);
    }

    /** Takes a task in, and gives it to the caller to run. */
    @SuppressWarnings("unchecked") // it is the one that this thread has just submitted
    <T extends @Nullable Object> Submission<T> take(Task<T> task) {
        submit(task);
        return (Submission<T>) Objects.requireNonNull(taken.get());
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        taken.set(submission);
    }

    @Override
    protected Collection<Submission<?>> held() {
        return List.of();
    }

    @Override
    protected boolean onWorker() {
        return false;
    }

    @Override
    protected void releaseWorkers() {
        workersReleased();
    }

    @Override
    protected int aliveWorkers() {
        return 1;
    }

    private static final class Settings extends PoolBuilder<Settings> {
        Settings() {
            super("hand");
        }

        @Override
        protected Settings self() {
            return this;
        }

        @Override
        protected void planArgument(String count) {
            throw new UnsupportedOperationException("has no plan");
        }

        @Override
        public Pool open() {
            return ONE;
        }
    }
}
