package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import dev.sennit.queue.StopReason;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.WorkerReport;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A worker: its threads, and its life. {@link Claims} brings tasks, {@link Holdings} has them run, {@link Leases} keeps
 * them, {@link Ends} tells how they ended, {@link Rounds} does the rest.
 *
 * <pre>
 * RUNNING &lt;-&gt; QUIET    it takes no more tasks
 * RUNNING, QUIET -> DRAINING -> ENDED
 * </pre>
 */
public final class Worker implements BrokerListener, Rounds.Subject {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    /** How long the broker may take to hear of the last ends, and a thread to end. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);

    /** Where in its life it is. */
    public enum State {
        /** It claims tasks. */
        RUNNING,
        /** It claims no more. */
        QUIET,
        /** It waits for its last runs. */
        DRAINING,
        /** It has ended. */
        ENDED
    }

    /**
     * A run, for those who look on.
     *
     * @param token the claim
     * @param type the name of the type
     * @param runTime for how long it has been running
     * @param silence for how long nothing was heard of it
     * @param isStuck whether it was to end, and goes on
     */
    public record Run(Token token, String type, Duration runTime, Duration silence, boolean isStuck) {}

    /**
     * The figures of a worker.
     *
     * @param succeeded how many tasks have succeeded
     * @param failed how many runs have failed
     * @param crashed how many runs were lost with their process
     * @param givenBack how many claims were given back
     * @param cancelled how many runs were cancelled
     * @param refused how many ends came too late, as the lease was lost
     * @param ahead how many tasks it has claimed that have not begun
     * @param untold how many ends the broker has not been told of
     * @param places how many tasks run at a time
     * @param away for how long the broker has not answered
     * @param runs the runs
     */
    public record Figures(long succeeded, long failed, long crashed, long givenBack, long cancelled, long refused,
            int ahead, int untold, int places, Duration away, List<Run> runs) {}

    private final WorkerSettings settings;
    private final Broker broker;
    private final TimeSource time;
    private final Instant startedAt;
    private final Outage outage;
    private final Alarm emptied;
    private final Alarm claiming;
    private final QueueShares shares;
    private final Leases leases;
    private final Holdings holdings;
    private final Claims claims;
    private final Rounds rounds;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    /** Filled by start, emptied at the end. */
    private final Map<Runnable, Thread> threads = new ConcurrentHashMap<>();

    private final Object lock = new Object();
    /** Guarded by lock. */
    private State state = State.RUNNING;
    /** Guarded by lock. */
    private Broker.@Nullable Subscription subscription;
    /** Only the thread of the rounds: the name of this machine, which may take long to find. */
    private @Nullable String host;
    /** Guarded by lock. Whether runs are stopped without waiting for them. */
    private boolean hurries;

    /**
     * Makes a worker that does not run yet.
     *
     * @param settings what it is to do
     */
    @SuppressWarnings("this-escape") // to parts that do not use it before start
    public Worker(WorkerSettings settings) {
        this.settings = settings;
        broker = settings.broker();
        time = settings.time();
        startedAt = time.now();
        outage = new Outage(settings.name(), broker.name(), time);
        emptied = new Alarm(time);
        claiming = new Alarm(time);
        shares = new QueueShares(settings.queues(), new SplittableRandom(settings.seed()));
        leases = new Leases(settings.name(), broker, settings.lease(), time, outage);
        holdings = new Holdings(settings, leases, outage, claiming, emptied);
        claims = new Claims(settings, holdings, shares, outage, claiming);
        rounds = new Rounds(settings, holdings, shares, outage, this);
    }

    /**
     * Starts it.
     *
     * @throws dev.sennit.queue.broker.BrokerException if the broker does not answer
     */
    public void start() {
        try {
            subscribe();
            run("leases", leases);
            run("watch", leases.watch());
            run("ends", holdings.ends());
            run("rounds", rounds);
            run("claims", claims);
        } catch (Throwable e) {
            endThreads();
            unsubscribe();
            closePool();
            throw e;
        }
    }

    private void run(String what, Runnable body) {
        Thread thread = Thread.ofPlatform().daemon().name("sennit-queue-" + settings.name() + "-" + what)
                .unstarted(body);
        thread.start();
        threads.put(body, thread);
    }

    private void subscribe() {
        Set<String> queues = shares.weights().keySet();
        Broker.Subscription fresh = broker.subscribe(new Interest(queues, null, settings.id()), this);
        Broker.Subscription old;
        synchronized (lock) {
            old = subscription;
            subscription = fresh;
        }
        if (old != null) {
            old.close();
        }
    }

    private void unsubscribe() {
        Broker.Subscription old;
        synchronized (lock) {
            old = subscription;
            subscription = null;
        }
        if (old != null) {
            try {
                old.close();
            } catch (RuntimeException e) {
                LOG.log(Level.DEBUG, settings.name() + " - cannot end its subscription", e);
            }
        }
    }

    // ---- what the broker tells ----

    @Override
    public void workMayBeReady() {
        claiming.ring();
    }

    @Override
    public void cancelRequested(String id) {
        holdings.cancel(id);
    }

    @Override
    public void control(ControlMessage message) {
        if (message.worker() == null || message.worker().equals(settings.id())) {
            rounds.request(message);
        }
    }

    @Override
    public void handle(ControlMessage message) {
        try {
            switch (message.command()) {
                case "quiet" -> quiet();
                case "resume" -> resume();
                case "shutdown" -> drain();
                case "grow" -> resize(holdings.places() + number(message, "by", 1));
                case "shrink" -> resize(holdings.places() - number(message, "by", 1));
                case "add-queue" -> {
                    shares.put(queue(message), number(message, "weight", 1));
                    subscribe();
                    claiming.ring();
                }
                case "remove-queue" -> {
                    if (shares.remove(queue(message))) {
                        subscribe();
                    }
                }
                default -> LOG.log(Level.DEBUG, settings.name() + " - passes over \"" + message.command() + "\"");
            }
        } catch (IllegalArgumentException e) {
            LOG.log(Level.WARNING, settings.name() + " - cannot do \"" + message.command() + "\": " + e.getMessage());
        }
    }

    private static String queue(ControlMessage message) {
        String queue = message.arguments().get("queue");
        if (queue == null || queue.isBlank()) {
            throw new IllegalArgumentException("the argument queue is missing");
        }
        return queue;
    }

    private static int number(ControlMessage message, String name, int usual) {
        String text = message.arguments().get(name);
        if (text == null) {
            return usual;
        }
        try {
            int number = Integer.parseInt(text);
            if (number < 1) {
                throw new IllegalArgumentException(name + " must be >= 1, was " + number);
            }
            return number;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number, was \"" + text + "\"", e);
        }
    }

    // ---- its life ----

    /** Takes no more tasks, and gives back what has not begun; runs go on. */
    public void quiet() {
        synchronized (lock) {
            if (state != State.RUNNING) {
                return;
            }
            state = State.QUIET;
            holdings.quiet();
        }
    }

    /** Takes tasks again, unless it drains. */
    public void resume() {
        synchronized (lock) {
            if (state != State.QUIET) {
                return;
            }
            state = State.RUNNING;
            holdings.resume();
        }
    }

    /**
     * Runs another number of tasks at a time.
     *
     * @param places how many
     * @throws IllegalArgumentException if the pool has no room for so many
     */
    public void resize(int places) {
        int most = settings.pool().workers();
        if (places < 1 || places > most) {
            throw new IllegalArgumentException("places must be from 1 to " + most + ", as pool "
                    + settings.pool().name() + " has so many workers, was " + places);
        }
        holdings.resize(places);
    }

    /**
     * Lets the runs come to their ends, for the limit of the settings, and ends.
     *
     * @return is done when the worker has ended
     */
    public CompletableFuture<Void> drain() {
        synchronized (lock) {
            if (state == State.DRAINING || state == State.ENDED) {
                return ended;
            }
            state = State.DRAINING;
        }
        try {
            Thread.ofPlatform().daemon().name("sennit-queue-" + settings.name() + "-drain").start(this::runDrain);
        } catch (Throwable e) { // there is no thread: this one does it
            LOG.log(Level.DEBUG, settings.name() + " - drains in the thread of its caller", e);
            runDrain();
        }
        return ended;
    }

    /** Ends the runs of a worker that drains without waiting for them any longer. */
    public void hurry() {
        synchronized (lock) {
            hurries = true;
        }
        emptied.ring();
    }

    private void runDrain() {
        try {
            holdings.quiet();
            claims.end();
            holdings.ask(StopReason.DRAIN);
            awaitRuns(settings.drainLimit(), true);
            if (!holdings.isEmpty()) {
                holdings.stopAll();
                awaitRuns(settings.grace().plus(LAST_WORDS), false);
                if (!holdings.isEmpty()) {
                    LOG.log(Level.WARNING, settings.name() + " - ends with " + holdings.held().size()
                            + " tasks whose end the broker does not know: they run again when their leases are over");
                }
            }
        } catch (Throwable e) {
            LOG.log(Level.ERROR, settings.name() + " - could not drain: " + e, e);
        } finally {
            try {
                endThreads();
                holdings.abandon();
                unsubscribe();
                forget();
                closePool();
            } finally {
                synchronized (lock) {
                    state = State.ENDED;
                }
                ended.complete(null);
            }
        }
    }

    private void awaitRuns(Duration limit, boolean mayHurry) {
        long end = time.nanoTime() + limit.toNanos();
        while (!holdings.isEmpty()) {
            long left = end - time.nanoTime();
            synchronized (lock) {
                if (hurries && mayHurry) {
                    return;
                }
            }
            if (left <= 0) {
                return;
            }
            emptied.sleep(Duration.ofNanos(left));
        }
    }

    private void endThreads() {
        long end = System.nanoTime() + LAST_WORDS.toNanos();
        try {
            claims.end();
            rounds.end();
            join(claims, end);
            holdings.awaitEmpty(Duration.ofMillis(200)); // what a last claim has brought is given back
            leases.end();
            holdings.ends().end();
            holdings.log().end();
            for (Runnable each : List.copyOf(threads.keySet())) {
                join(each, end);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void join(Runnable body, long end) throws InterruptedException {
        Thread thread = threads.remove(body);
        if (thread != null && !thread.join(Duration.ofNanos(Math.max(1_000_000, end - System.nanoTime())))) {
            LOG.log(Level.WARNING, settings.name() + " - thread " + thread.getName() + " does not end, as it waits for"
                    + " the broker or runs a task");
        }
    }

    private void forget() {
        try {
            broker.forget(settings.id());
        } catch (RuntimeException e) {
            LOG.log(Level.DEBUG, settings.name() + " - cannot tell the broker that it ends", e);
        }
    }

    private void closePool() {
        if (settings.closesPool()) {
            settings.pool().shutdownNow();
            try {
                settings.pool().awaitTermination(LAST_WORDS.toSeconds(), TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Returns what is done when the worker has ended.
     *
     * @return the future, which is this worker's alone: who has it may not end it
     */
    public CompletableFuture<Void> ended() {
        return ended.copy();
    }

    // ---- for those who look on ----

    @Override
    public void report() {
        holdings.log().tellOthers();
        List<String> queues = new ArrayList<>();
        new TreeMap<>(shares.weights()).forEach((queue, weight) -> queues.add(queue + ":" + weight));
        List<String> running = holdings.held().stream().filter(task -> task.state() == HeldTask.State.RUNNING)
                .map(task -> task.token().id()).toList();
        Holdings.Counts counts = holdings.counts();
        String machine = host;
        if (machine == null) {
            machine = hostName();
            host = machine;
        }
        broker.report(new WorkerReport(settings.id(), machine, ProcessHandle.current().pid(), stateWord(),
                settings.plan(), holdings.places(), queues, settings.types().keySet(), running, counts.succeeded(),
                counts.failed(), startedAt, time.now()));
    }

    private String stateWord() {
        return switch (state()) {
            case RUNNING -> "running";
            case QUIET -> "quiet";
            case DRAINING, ENDED -> "draining";
        };
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return Objects.requireNonNullElse(System.getenv("HOSTNAME"), "unknown");
        }
    }

    /**
     * Returns where in its life it is.
     *
     * @return the state
     */
    public State state() {
        synchronized (lock) {
            return state;
        }
    }

    /**
     * Returns its queues.
     *
     * @return the queues, with their weights
     */
    public Map<String, Integer> queues() {
        return shares.weights();
    }

    /**
     * Returns its figures.
     *
     * @return a snapshot
     */
    public Figures figures() {
        Holdings.Counts counts = holdings.counts();
        Collection<HeldTask> stuck = holdings.stuck();
        List<Run> runs = new ArrayList<>();
        for (HeldTask task : holdings.held()) {
            if (task.state() == HeldTask.State.RUNNING && !stuck.contains(task)) {
                runs.add(run(task, false));
            }
        }
        stuck.forEach(task -> runs.add(run(task, true)));
        return new Figures(counts.succeeded(), counts.failed(), counts.crashed(), counts.givenBack(),
                counts.cancelled(), counts.refused(), holdings.ahead(), holdings.ends().untold(), holdings.places(),
                outage.away(), List.copyOf(runs));
    }

    private Run run(HeldTask task, boolean isStuck) {
        long now = time.nanoTime();
        return new Run(task.token(), task.claim.task().type(), Duration.ofNanos(now - task.startedAt()),
                Duration.ofNanos(now - task.heardAt()), isStuck);
    }
}
