package dev.sennit.observe;

import dev.sennit.AbstractPool;
import dev.sennit.PoolBuilder;
import dev.sennit.Submission;
import java.util.Collection;
import java.util.List;

/** A kind of pool that knows nothing of those who look on: it runs a task where it is submitted. */
final class OwnKind extends AbstractPool {
    private static final class Settings extends PoolBuilder<Settings> {
        Settings() {
            super("own");
        }

        @Override
        protected Settings self() {
            return this;
        }

        @Override
        protected void planArgument(String count) {
            throw new IllegalArgumentException(count);
        }

        @Override
        public OwnKind open() {
            return new OwnKind(this);
        }
    }

    private OwnKind(Settings settings) {
        super(settings, 1);
    }

    static void runOne() throws Exception {
        try (OwnKind pool = new Settings().open()) {
            pool.submit(() -> 1).get();
        }
    }

    static void runNone() {
        new Settings().open().close();
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        submission.run();
    }

    @Override
    protected Collection<? extends Submission<?>> held() {
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
}
