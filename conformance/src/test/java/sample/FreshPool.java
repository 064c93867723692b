package sample;

import dev.sennit.AbstractPool;
import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.PoolBuilder;
import dev.sennit.PoolProvider;
import dev.sennit.Submission;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * A new virtual thread for each task, by what is public alone; {@code fault=} adds a mistake that an author may make.
 */
final class FreshPool extends AbstractPool {
    /** What the contract has to find. */
    enum Fault {
        NONE,
        /** A task runs in the thread that submits it. */
        IN_CALLER,
        /** The threads are not named after the pool. */
        NO_NAME,
        /** The workers are not counted. */
        NO_COUNT,
        /** {@code shutdownNow} does not hear of the tasks that run. */
        NO_HELD,
        /** The pool is never told that its workers are gone. */
        NO_RELEASE,
        /** A plan may have any option. */
        ANY_OPTION
    }

    private final Map<Thread, Submission<?>> running = new ConcurrentHashMap<>();
    private final Fault fault;

    private FreshPool(Settings settings) {
        super(settings, Integer.MAX_VALUE);
        fault = settings.fault;
    }

    @Override
    protected void dispatch(Submission<?> submission) {
        if (fault == Fault.IN_CALLER) {
            runInCaller(submission);
            return;
        }
        Thread thread = Thread.ofVirtual().name(fault == Fault.NO_NAME ? "thread" : name()).unstarted(() -> {
            try {
                submission.run();
            } finally {
                running.remove(Thread.currentThread());
            }
        });
        running.put(thread, submission);
        try {
            thread.start();
        } catch (Throwable e) { // no thread available
            running.remove(thread);
            throw e;
        }
    }

    @Override
    protected Collection<Submission<?>> held() {
        return fault == Fault.NO_HELD ? List.of() : List.copyOf(running.values());
    }

    @Override
    protected boolean onWorker() {
        return running.containsKey(Thread.currentThread());
    }

    @Override
    protected void releaseWorkers() {
        if (fault != Fault.NO_RELEASE) {
            workersReleased();
        }
    }

    @Override
    protected int aliveWorkers() {
        // the last thread is about to end, and runs nothing
        return isTerminated() || fault == Fault.NO_COUNT ? 0 : running.size();
    }

    private static final class Settings extends PoolBuilder<Settings> {
        private Fault fault = Fault.NONE;

        Settings() {
            super("fresh");
        }

        @Override
        protected Settings self() {
            return this;
        }

        @Override
        protected Map<String, Consumer<String>> planOptions() {
            Map<String, Consumer<String>> options = super.planOptions();
            options.put("fault", word -> fault = Fault.valueOf(word));
            return options;
        }

        @Override
        protected boolean planOption(String option, String value) {
            return fault == Fault.ANY_OPTION;
        }

        @Override
        protected void planArgument(String count) {
            throw new IllegalArgumentException("fresh takes no number of workers, was \"" + count + "\"");
        }

        @Override
        public Pool open() {
            return new FreshPool(this);
        }
    }

    /** Registers {@code fresh}. */
    public static final class Provider implements PoolProvider {
        @Override
        public String kind() {
            return "fresh";
        }

        @Override
        public String syntax() {
            return "fresh";
        }

        @Override
        public Pool open(Plan plan) {
            return new Settings().plan(plan).open();
        }
    }
}
