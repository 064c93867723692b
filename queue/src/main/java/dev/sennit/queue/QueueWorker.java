package dev.sennit.queue;

import dev.sennit.Plan;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.worker.RunFactory;
import dev.sennit.queue.worker.RunFailure;
import dev.sennit.queue.worker.RunLine;
import dev.sennit.queue.worker.Worker;
import dev.sennit.queue.worker.WorkerSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Takes tasks from a broker and runs them on a pool of any kind: threads, virtual threads, coroutines, processes.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 * import dev.sennit.queue.broker.Broker;
 * import java.time.Duration;
 *
 * TaskType<String, Integer> length = TaskType.of("text.length", String.class, String::length);
 * try (Broker broker = Broker.open("memory:letters");
 *         QueueWorker worker = QueueWorker.builder(broker).types(length).queues("default:4,mail:1").on("threads:8")
 *                 .drainLimit(Duration.ofSeconds(10)).start()) {
 *     System.out.println(worker.status().state());
 * }
 * }
 *
 * <p><b>Nothing is lost.</b> A task that the worker takes stays in the broker, under a lease, until the broker knows of
 * its end. The worker renews its leases in a thread of its own, which tasks cannot starve. If the worker is lost, its
 * leases expire, and others run its tasks again. If the broker does not answer, the runs go on until their leases are
 * over, results are kept and told later, and one line is logged at the beginning and one at the end. A worker whose
 * lease was lost meanwhile stops the run, and the broker refuses its result.
 *
 * <p><b>How runs end.</b> A result is stored. A failure is retried or not by the
 * {@link dev.sennit.queue.broker.RetryPolicy} of the task. A process that dies with the task counts as a crash. At its
 * soft limit a run is interrupted once, and knows why; at its hard limit, or when its task is cancelled, it is
 * interrupted and, on a pool of processes, killed if it does not heed that. On a pool of this JVM nothing can be
 * killed: a run that goes on keeps its place until it ends; the worker says so in a warning, and is not
 * {@linkplain Status#isHealthy healthy}. On {@code inline} a run cannot even be interrupted.
 *
 * <p><b>How many.</b> A worker runs as many tasks at a time as its pool has workers ({@value #UNLIMITED_PLACES} if that
 * has no limit), or as {@link Builder#places} says. While runs are shorter than some milliseconds it claims a few more
 * ahead; they are given back if their turn does not come soon, and when the worker ends.
 * {@link #resize} and {@link Builder#autoscale} change the number within what the pool can have; the pool itself starts
 * and retires workers if its plan says so: {@code threads:1-16}, {@code processes:8?min=1}.
 *
 * <p><b>The end.</b> {@link #quiet} takes no more tasks. {@link #close} asks the runs to end
 * ({@link StopReason#DRAIN}), waits for the {@linkplain Builder#drainLimit limit}, stops those that are left, and gives
 * their tasks back, with their checkpoints. A task that may run {@linkplain SubmitOptions#once once only} counts
 * as lost then. Results that cannot be told within some seconds more are left to the leases.
 */
public final class QueueWorker implements AutoCloseable {
    /** How many tasks run at a time on a pool without a limit. */
    public static final int UNLIMITED_PLACES = 1000;

    private final WorkerSettings settings;
    private final @Nullable Duration silenceLimit;
    private final Worker worker;

    private QueueWorker(WorkerSettings settings, @Nullable Duration silenceLimit) {
        this.settings = settings;
        this.silenceLimit = silenceLimit;
        worker = new Worker(settings);
    }

    /**
     * Starts with the queue {@code default}, on threads, a thread for each processor.
     *
     * @param broker the broker, which the worker does not close
     * @return a builder
     */
    public static Builder builder(Broker broker) {
        return new Builder(broker);
    }

    /**
     * Returns the id by which the broker knows it.
     *
     * @return the id, which no other worker has
     */
    public String id() {
        return settings.id();
    }

    /** Takes no more tasks from now on, and gives back those that have not begun. Runs go on. */
    public void quiet() {
        worker.quiet();
    }

    /** Takes tasks again after {@link #quiet}; does nothing once the worker ends. */
    public void resume() {
        worker.resume();
    }

    /**
     * Runs another number of tasks at a time from now on. Runs go on, also if there are more.
     *
     * @param places how many tasks, from 1 to the number of workers that the pool can have
     * @throws IllegalArgumentException if it is out of its bounds
     */
    public void resize(int places) {
        worker.resize(places);
    }

    /**
     * Begins to end as {@link #close} does, and returns.
     *
     * @return is done when the worker has ended
     */
    public CompletableFuture<Void> drain() {
        worker.drain();
        return worker.ended();
    }

    /**
     * Ends: lets the runs come to their ends for the limit, then stops them, gives back what is left, and ends its
     * threads, and the pool if it was opened here. Returns when all that is done. If the calling thread is interrupted,
     * the limit is over at once.
     */
    @Override
    public void close() {
        worker.drain();
        boolean wasInterrupted = false;
        CompletableFuture<Void> ended = worker.ended();
        while (!ended.isDone()) {
            try {
                ended.get();
            } catch (InterruptedException e) {
                wasInterrupted = true;
                worker.hurry();
            } catch (ExecutionException e) {
                throw new AssertionError(e); // it does not fail
            }
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Waits until the worker has ended, as somebody has it drain: this program or, by the broker, another one.
     *
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void awaitEnd() throws InterruptedException {
        try {
            worker.ended().get();
        } catch (ExecutionException e) {
            throw new AssertionError(e); // it does not fail
        }
    }

    /**
     * Waits until the worker has ended, but no longer than the given time.
     *
     * @param limit the longest to wait
     * @return whether it has ended
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean awaitEnd(Duration limit) throws InterruptedException {
        try {
            worker.ended().get(limit.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new AssertionError(e); // it does not fail
        }
    }

    /**
     * Returns how the worker is.
     *
     * @return a snapshot
     */
    public Status status() {
        Worker.Figures figures = worker.figures();
        List<Run> runs = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        if (figures.away().compareTo(settings.lease()) > 0) {
            problems.add("broker " + settings.broker().name() + " has not answered for "
                    + figures.away().toSeconds() + " s");
        }
        for (Worker.Run run : figures.runs()) {
            runs.add(new Run(run.token().id(), run.type(), run.token().attempt(), run.runTime(), run.silence(),
                    run.isStuck()));
            if (run.isStuck()) {
                problems.add("task " + run.type() + " (" + run.token().id() + ") was to end, and goes on after "
                        + run.runTime().toSeconds() + " s");
            } else if (silenceLimit != null && run.silence().compareTo(silenceLimit) > 0) {
                problems.add("task " + run.type() + " (" + run.token().id() + ") has told no progress for "
                        + run.silence().toSeconds() + " s");
            }
        }
        return new Status(settings.id(), settings.name(), State.valueOf(worker.state().name()), problems,
                figures.places(), figures.ahead(), figures.untold(), figures.succeeded(), figures.failed(),
                figures.crashed(), figures.givenBack(), figures.cancelled(), figures.refused(), worker.queues(), runs);
    }

    @Override
    public String toString() {
        Status status = status();
        return "worker " + settings.name() + "[" + status.state() + ", " + status.runs().size() + " of "
                + status.places() + " running, " + status.succeeded() + " succeeded, " + status.failed() + " failed]";
    }

    /** Where in its life a worker is. */
    public enum State {
        /** It takes tasks. */
        RUNNING,
        /** It takes no more tasks; runs go on. */
        QUIET,
        /** It ends, and waits for its last runs. */
        DRAINING,
        /** It has ended. */
        ENDED
    }

    /**
     * A run.
     *
     * @param id the id of the task
     * @param type the name of its type
     * @param attempt the number of the attempt
     * @param runTime for how long it has been running
     * @param silence for how long it has told no progress and no checkpoint
     * @param isStuck whether it was to end, and goes on
     */
    public record Run(String id, String type, int attempt, Duration runTime, Duration silence, boolean isStuck) {}

    /**
     * How a worker is. Counts are those since its start.
     *
     * @param id its id
     * @param name its name
     * @param state where in its life it is
     * @param problems why it is not healthy, each in one line; empty if it is
     * @param places how many tasks it runs at a time
     * @param ahead how many tasks it has claimed that have not begun
     * @param untold of how many ends the broker has not been told yet
     * @param succeeded how many tasks have succeeded
     * @param failed how many runs have failed
     * @param crashed how many runs were lost with their process
     * @param givenBack how many tasks were given back
     * @param cancelled how many runs ended as their task was cancelled
     * @param refused how many runs were in vain, as their lease was lost
     * @param queues its queues with their weights
     * @param runs what runs now, and what should not run any more
     */
    public record Status(String id, String name, State state, List<String> problems, int places, int ahead, int untold,
            long succeeded, long failed, long crashed, long givenBack, long cancelled, long refused,
            Map<String, Integer> queues, List<Run> runs) {
        /** Copies the collections. */
        public Status {
            problems = List.copyOf(problems);
            queues = Map.copyOf(queues);
            runs = List.copyOf(runs);
        }

        /**
         * Returns whether it does its work: the broker answers, no run goes on that was to end, and none has been
         * silent for longer than the {@linkplain Builder#silenceLimit limit}, if there is one.
         *
         * @return whether there are no problems
         */
        public boolean isHealthy() {
            return problems.isEmpty();
        }
    }

    /** Makes the runs of a type. */
    private record TypeRuns(TaskType<?, ?> type, int mostResultBytes) implements RunFactory {
        @Override
        public Task<byte[][]> task(Claim claim, RunLine line) throws RunFailure {
            return QueuedRun.of(type, claim, mostResultBytes, line);
        }

        @Override
        public Claim completed(Claim claim) {
            return type.completed(claim);
        }
    }

    /** Builds a worker. */
    public static final class Builder {
        private final Broker broker;
        private final Map<String, TaskType<?, ?>> types = new LinkedHashMap<>();
        private Map<String, Integer> queues = Map.of(QueuedTask.USUAL_QUEUE, 1);
        private final Map<String, Rate> rates = new LinkedHashMap<>();
        private Plan plan = Plan.parse("threads");
        private @Nullable Pool pool;
        /** 0 for as many as the pool has. */
        private int places;

        private Duration lease = Duration.ofSeconds(30);
        private Duration drainLimit = Duration.ofSeconds(25);
        private Duration poll = Duration.ofSeconds(5);
        private Duration grace = Duration.ofSeconds(5);
        private @Nullable Duration silenceLimit;
        private Upkeep.Limits limits = Upkeep.Limits.USUAL;
        private TimeSource time = TimeSource.system();
        private String name = "worker";
        private int mostResultBytes = 1_000_000;
        private long seed = new Random().nextLong();
        private WorkerSettings.@Nullable Scaling scaling;
        private @Nullable ClassLoader providers = Thread.currentThread().getContextClassLoader();

        private Builder(Broker broker) {
            this.broker = Objects.requireNonNull(broker, "broker");
        }

        /**
         * Adds types of tasks that the worker runs, beside those of {@linkplain TaskTypeProvider providers}.
         *
         * @param more the types
         * @return this
         * @throws IllegalArgumentException if the code of a type is elsewhere, or another type has its name and version
         */
        public Builder types(TaskType<?, ?>... more) {
            return types(List.of(more));
        }

        /**
         * Adds types of tasks that the worker runs.
         *
         * @param more the types
         * @return this
         * @throws IllegalArgumentException if the code of a type is elsewhere, or another type has its name and version
         */
        public Builder types(Collection<? extends TaskType<?, ?>> more) {
            for (TaskType<?, ?> type : more) {
                TaskType<?, ?> other = types.putIfAbsent(ensureCode(type).key(), type);
                if (other != null && other != type) {
                    throw new IllegalArgumentException("there are two types " + type.key() + ": give one of them"
                            + " another name or version");
                }
            }
            return this;
        }

        private static TaskType<?, ?> ensureCode(TaskType<?, ?> type) {
            if (!type.hasCode()) {
                throw new IllegalArgumentException("the code of " + type + " is elsewhere");
            }
            return type;
        }

        /**
         * Sets where providers of task types are looked for; the default is the loader of the calling thread.
         *
         * @param loader the loader, or null for no providers
         * @return this
         */
        public Builder providers(@Nullable ClassLoader loader) {
            providers = loader;
            return this;
        }

        /**
         * Sets the queues, with the share of the claims that each gets while all of them have tasks.
         *
         * @param text such as {@code images:4,mail}; without a weight, 1
         * @return this
         * @throws IllegalArgumentException if it names no queue, or a weight is less than 1
         */
        public Builder queues(String text) {
            Map<String, Integer> weights = new LinkedHashMap<>();
            for (String part : text.split(",")) {
                String each = part.strip();
                int colon = each.lastIndexOf(':');
                String queue = colon < 0 ? each : each.substring(0, colon).strip();
                if (queue.isEmpty()) {
                    throw new IllegalArgumentException("queues must be names with weights, as in a:4,b, was \"" + text
                            + "\"");
                }
                weights.put(queue, colon < 0 ? 1 : weight(each.substring(colon + 1).strip(), text));
            }
            return queues(weights);
        }

        private static int weight(String number, String text) {
            try {
                return Integer.parseInt(number);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "weights of queues must be whole numbers, as in a:4,b, was \"" + text + "\"", e);
            }
        }

        /**
         * Sets the queues, with their weights.
         *
         * @param weights the weights, each 1 or more, by the names of the queues
         * @return this
         * @throws IllegalArgumentException if there is none, or a weight is less than 1
         */
        public Builder queues(Map<String, Integer> weights) {
            if (weights.isEmpty()) {
                throw new IllegalArgumentException("queues must not be empty");
            }
            weights.forEach((queue, weight) -> {
                if (weight < 1 || weight > 1_000_000) {
                    throw new IllegalArgumentException(
                            "weight of queue " + queue + " must be from 1 to 1000000, was " + weight);
                }
            });
            queues = new LinkedHashMap<>(weights);
            return this;
        }

        /**
         * Sets the plan of the pool that runs the tasks, which is closed with the worker.
         *
         * @param newPlan such as {@code processes:4?heap=256m}; see {@link Pools}
         * @return this
         */
        public Builder on(String newPlan) {
            plan = Plan.parse(newPlan);
            pool = null;
            return this;
        }

        /**
         * Sets the pool that runs the tasks. It should have nothing else to do, or tasks wait in it with their leases.
         *
         * @param open an open pool, which the worker does not close
         * @return this
         */
        public Builder pool(Pool open) {
            pool = Objects.requireNonNull(open, "pool");
            return this;
        }

        /**
         * Sets how many tasks run at a time; the default is as many as the pool has workers.
         *
         * @param count from 1 to the workers of the pool
         * @return this
         */
        public Builder places(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("places must be >= 1, was " + count);
            }
            places = count;
            return this;
        }

        /**
         * Has the worker run more tasks at a time while the oldest one that is ready waits for too long, and fewer
         * while there is none. The pool has to have so many workers; if its plan lets them come and go, they do:
         * {@code threads:1-16}, {@code processes:8?min=1}.
         *
         * @param min the least tasks at a time, 1 or more; with these it begins
         * @param max the most
         * @param targetAge how long a task should wait at most
         * @return this
         */
        public Builder autoscale(int min, int max, Duration targetAge) {
            if (min < 1 || max < min) {
                throw new IllegalArgumentException("min must be from 1 to max, was " + min + " with max " + max);
            }
            scaling = new WorkerSettings.Scaling(min, max, positive("targetAge", targetAge));
            return this;
        }

        /**
         * Sets how long a claim lasts if this worker is lost; the default is 30 s. The leases are renewed three times
         * in it.
         *
         * @param time the time, 50 ms or more
         * @return this
         */
        public Builder lease(Duration time) {
            if (time.toMillis() < 50) {
                throw new IllegalArgumentException("lease must be >= 50 ms, was " + time);
            }
            lease = time;
            return this;
        }

        /**
         * Sets how long runs may go on when the worker is closed; the default is 25 s.
         *
         * @param limit the limit, 0 or more
         * @return this
         */
        public Builder drainLimit(Duration limit) {
            if (limit.isNegative()) {
                throw new IllegalArgumentException("drainLimit must be >= 0, was " + limit);
            }
            drainLimit = limit;
            return this;
        }

        /**
         * Sets how long the worker waits at most until it asks the broker again, as a push may be lost; the default is
         * 5 s.
         *
         * @param time the time
         * @return this
         */
        public Builder poll(Duration time) {
            poll = positive("poll", time);
            return this;
        }

        /**
         * Sets how long a run on a pool of this JVM may take to heed an interrupt; the default is 5 s. Then its place
         * counts as lost, and the broker is told of its end though it goes on. A pool of processes kills by a grace
         * period of its own.
         *
         * @param period the time, 0 or more
         * @return this
         */
        public Builder grace(Duration period) {
            if (period.isNegative()) {
                throw new IllegalArgumentException("grace must be >= 0, was " + period);
            }
            grace = period;
            return this;
        }

        /**
         * Sets for how long a run may tell neither progress nor a checkpoint until the worker is not
         * {@linkplain Status#isHealthy healthy}; there is no limit by default. It is for workers whose tasks all tell
         * their {@linkplain RunContext#progress progress}, or are short. Nothing is ended by it: for that, tasks have
         * {@linkplain SubmitOptions#hardLimit hard limits}.
         *
         * @param limit the limit
         * @return this
         */
        public Builder silenceLimit(Duration limit) {
            silenceLimit = positive("silenceLimit", limit);
            return this;
        }

        /**
         * Limits how many tasks of a type this worker begins; other workers have limits of their own. For all workers
         * together there is {@link Broker#limit}.
         *
         * @param type the type
         * @param rate the limit
         * @return this
         */
        public Builder rate(TaskType<?, ?> type, Rate rate) {
            rates.put(type.key(), Objects.requireNonNull(rate, "rate"));
            return this;
        }

        /**
         * Sets how large a result may be; the default is 1,000,000 bytes. A run whose result is larger fails.
         *
         * @param bytes the limit for the JSON of a result
         * @return this
         */
        public Builder mostResultBytes(int bytes) {
            if (bytes < 1) {
                throw new IllegalArgumentException("mostResultBytes must be >= 1, was " + bytes);
            }
            mostResultBytes = bytes;
            return this;
        }

        /**
         * Sets the name in threads and log lines; the default is {@code worker}.
         *
         * @param newName the name
         * @return this
         */
        public Builder name(String newName) {
            if (newName.isBlank()) {
                throw new IllegalArgumentException("name must not be blank");
            }
            name = newName;
            return this;
        }

        /**
         * Sets the times that upkeep keeps to: how long dead letters are kept, and tasks of a type that no worker
         * knows.
         *
         * @param times the times
         * @return this
         */
        public Builder upkeep(Upkeep.Limits times) {
            limits = Objects.requireNonNull(times, "times");
            return this;
        }

        /**
         * Sets the clock by which the worker sleeps, renews and drains: for tests. Limits of runs and {@link #grace} go
         * by the machine's clock.
         *
         * @param source the clock; one that stands until it is advanced
         * @return this
         */
        public Builder time(TimeSource source) {
            time = Objects.requireNonNull(source, "time");
            return this;
        }

        /**
         * Sets the seed of what is random: the waits of retries, and with which queue the worker begins.
         *
         * @param number the seed
         * @return this
         */
        public Builder seed(long number) {
            seed = number;
            return this;
        }

        /**
         * Starts the worker.
         *
         * @return the worker, which runs
         * @throws IllegalArgumentException if it has no types, the plan is wrong, or its pool has too few workers
         * @throws BrokerException if the broker does not answer
         */
        public QueueWorker start() {
            Map<String, RunFactory> factories = factories();
            Pool runs = pool != null ? pool : Pools.open(plan);
            QueueWorker worker;
            try {
                String id = name + "-" + QueuedTask.newId();
                worker = new QueueWorker(new WorkerSettings(id, name, broker, factories, queues, Map.copyOf(rates),
                        runs,
                        pool == null, pool == null ? plan.toString() : runs.name(), placesOf(runs), lease, drainLimit,
                        poll, grace, limits, time, seed, scaling), silenceLimit);
            } catch (Throwable e) {
                if (pool == null) {
                    runs.shutdownNow();
                }
                throw e;
            }
            worker.worker.start();
            return worker;
        }

        private Map<String, RunFactory> factories() {
            Map<String, TaskType<?, ?>> all = new LinkedHashMap<>();
            if (providers != null) {
                for (TaskTypeProvider provider : ServiceLoader.load(TaskTypeProvider.class, providers)) {
                    for (TaskType<?, ?> type : provider.taskTypes()) {
                        if (all.put(ensureCode(type).key(), type) != null) {
                            throw new IllegalArgumentException("two providers name the type " + type.key() + ", one is "
                                    + provider.getClass().getName());
                        }
                    }
                }
            }
            all.putAll(types);
            if (all.isEmpty()) {
                throw new IllegalArgumentException("a worker needs types of tasks: name them by types(...), in the"
                        + " command by --types, or have a TaskTypeProvider in META-INF/services of a jar");
            }
            Map<String, RunFactory> factories = new LinkedHashMap<>();
            int most = mostResultBytes;
            all.forEach((key, type) -> factories.put(key, new TypeRuns(type, most)));
            return factories;
        }

        private int placesOf(Pool runs) {
            int most = runs.workers() == Integer.MAX_VALUE ? UNLIMITED_PLACES : runs.workers();
            int wanted = scaling != null ? scaling.max() : places;
            if (wanted > runs.workers()) {
                throw new IllegalArgumentException(
                        "places must be <= " + runs.workers() + ", the workers of the pool, was " + wanted);
            }
            if (scaling != null) {
                return scaling.min();
            }
            return places == 0 ? most : places;
        }

        private static Duration positive(String what, Duration value) {
            if (!value.isPositive()) {
                throw new IllegalArgumentException(what + " must be > 0, was " + value);
            }
            return value;
        }
    }
}
