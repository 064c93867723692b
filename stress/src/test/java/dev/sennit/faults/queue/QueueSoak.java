package dev.sennit.faults.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.faults.queue.Promises.Kind;
import dev.sennit.faults.queue.SoakBatch.Planned;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.TaskState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A run of tasks of all kinds by several worker processes, while somebody torments these and the broker; and the books
 * of it: what was enqueued, what the broker says became of each task, and what the tasks themselves have written.
 */
final class QueueSoak implements AutoCloseable {
    private static final Duration BOUND = Duration.ofSeconds(90);
    private static final int TRIES = 100;
    /** So many tasks wait at most: what was lost waits for its turn behind them. */
    private static final int MOST_WAITING = 150;

    /** What happens to workers and to the broker. */
    enum Fault {
        KILL_WORKER,
        KILL_CHILD,
        STOP_WORKER,
        KILL_SERVER,
        CUT_CONNECTIONS,
        STAND_STILL
    }

    /** Does to the server, or to the way to it, what a fault says. */
    interface ServerFaults {
        void befall(Fault fault, SplittableRandom random) throws Exception;
    }

    /**
     * A worker that is to run, and is started again whenever it is killed.
     *
     * @param plan on what it runs tasks
     * @param uri how it finds the broker
     * @param wrongBy by how many seconds its clock is wrong
     */
    record WorkerPlan(String plan, String uri, int wrongBy) {
        boolean hasChildren() {
            return plan.startsWith("processes");
        }
    }

    /** When a run was lost, and which. */
    private record Lost(SoakRecords.Run run, long at) {}

    /** A fault, from when until when it lasted, and the processes of the worker that it befell, if it was one. */
    private record Befallen(Fault fault, long from, long to, List<Long> pids) {}

    private static final class Running {
        final WorkerPlan plan;
        Process process;

        Running(WorkerPlan plan, Process process) {
            this.plan = plan;
            this.process = process;
        }
    }

    private final String name;
    private final long seed;
    private final SplittableRandom random;
    private final Path folder;
    private final Duration lease;
    private final Broker broker;
    private final Promises promises;
    private final SoakEnds ends;
    private final SoakRecords records;
    private final List<Running> workers = new ArrayList<>();
    private int started;

    /** Guarded by itself. What was accepted. */
    private final Map<String, Planned> planned = new LinkedHashMap<>();
    /** Guarded by planned. The ids of tasks that must not overlap, in their order. */
    private final Map<String, List<String>> rows = new TreeMap<>();
    /** Guarded by planned. The ids of the parts of chords by those of their bodies. */
    private final Map<String, List<String>> chords = new HashMap<>();

    /** How many of the accepted tasks come to their end, and do not die. */
    private final AtomicInteger meantToEnd = new AtomicInteger();
    private final AtomicInteger duplicates = new AtomicInteger();
    private final AtomicInteger triedAgain = new AtomicInteger();
    /** Written by the thread that runs this: so many tasks may be enqueued by now, as later faults need some, too. */
    private volatile int allowed;
    /** So many tasks are enqueued. */
    private volatile int submitted;
    /** Whether the submitter has nothing to enqueue any more. */
    private volatile boolean isSubmitted;
    private volatile String lastRefusal = "none";
    private volatile @Nullable Throwable submitterFailure;
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    private final List<Befallen> befallen = new ArrayList<>();
    /** Guarded by planned. The tasks of batches that were enqueued again, as nobody knew whether they were there. */
    private final Set<String> enqueuedAgain = new HashSet<>();
    private final List<Lost> lost = new ArrayList<>();
    private int takenOver;

    QueueSoak(String name, long seed, Path folder, Duration lease, Broker broker, Promises promises,
            List<WorkerPlan> plans) throws Exception {
        this.name = name;
        this.seed = seed;
        this.folder = folder;
        this.lease = lease;
        this.broker = broker;
        this.promises = promises;
        ends = SoakEnds.of(broker);
        random = new SplittableRandom(seed);
        records = new SoakRecords(Files.createDirectories(folder.resolve("records")));
        Files.createDirectories(folder.resolve("status"));
        try {
            for (WorkerPlan plan : plans) {
                workers.add(new Running(plan, start(plan)));
            }
            for (Running each : workers) {
                await("a worker works", () -> log(each).contains("works"));
            }
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    // ---- workers ----

    private Process start(WorkerPlan plan) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + Files.createDirectories(folder.resolve("temporary")), "-cp",
                System.getProperty("java.class.path"), SoakWorkerMain.class.getName(), plan.plan,
                Long.toString(lease.toMillis()), Integer.toString(plan.wrongBy));
        builder.environment().put(SoakTasks.FOLDER, folder.toString());
        builder.environment().put(SoakWorkerMain.BROKER, plan.uri);
        builder.redirectErrorStream(true);
        Path log = folder.resolve("worker-" + started++ + ".log");
        Process process = builder.redirectOutput(log.toFile()).start();
        logs.put(process.pid(), log);
        return process;
    }

    private final Map<Long, Path> logs = new HashMap<>();

    private String log(Running worker) throws IOException {
        Path log = logs.get(worker.process.pid());
        return log == null ? "" : Files.readString(log);
    }

    private static List<Long> pids(Running worker) {
        List<Long> pids = new ArrayList<>();
        pids.add(worker.process.pid());
        worker.process.descendants().forEach(each -> pids.add(each.pid()));
        return pids;
    }

    /** Returns how many late ends the broker has refused this process, as far as it has said. */
    private long refused(long pid) throws IOException {
        try {
            return Long.parseLong(Files.readString(folder.resolve("status").resolve(pid + ".txt")).split(" ")[3]);
        } catch (NoSuchFileException e) {
            return 0;
        }
    }

    private long refused() throws IOException {
        long sum = 0;
        for (long pid : logs.keySet()) {
            sum += refused(pid);
        }
        return sum;
    }

    /** Waits as long as tasks come to their ends. */
    private void await(String what, Callable<Boolean> condition) throws Exception {
        long since = System.nanoTime();
        int ended = -1;
        while (!condition.call()) {
            records.read();
            if (records.ended() > ended) {
                ended = records.ended();
                since = System.nanoTime();
            }
            if (System.nanoTime() - since > BOUND.toNanos()) {
                throw new AssertionError("nothing happens any more, while this waits until " + what + "; " + ended
                        + " tasks have ended, " + broker.counts() + ", some dead: " + someDead()
                        + ", the last enqueue that failed: " + lastRefusal + tails());
            }
            Thread.sleep(10);
        }
    }

    /** Returns some tasks that have died and were not to. */
    private List<String> someDead() {
        synchronized (planned) {
            return ends.states(planned.keySet()).entrySet().stream()
                    .filter(each -> each.getValue() == TaskState.DEAD)
                    .map(Map.Entry::getKey)
                    .filter(id -> !planned.containsKey(id) || !planned.get(id).dies())
                    .limit(5).toList();
        }
    }

    private String tails() throws IOException {
        var text = new StringBuilder();
        for (Running worker : workers) {
            String log = log(worker);
            text.append("\n").append(worker.plan.plan).append(": ")
                    .append(log.substring(Math.max(0, log.length() - 2000)));
        }
        return text.toString();
    }

    // ---- the submitter ----

    private void submit(int count, SplittableRandom dice) {
        try {
            for (int i = 0; i < count;) {
                int size = 1 + dice.nextInt(60);
                i += enqueue(i, Math.min(size, count - i), dice);
                submitted = i;
                while (meantToEnd.get() - records.ended() > MOST_WAITING || i >= allowed) {
                    Thread.sleep(5);
                }
            }
        } catch (Throwable e) {
            submitterFailure = e;
        } finally {
            isSubmitted = true;
        }
    }

    /** Enqueues so many tasks, or a few more, in one batch. */
    private int enqueue(int from, int count, SplittableRandom dice) throws InterruptedException {
        var made = batch(dice);
        while (made.size() < count) {
            made.addAny(from + made.size());
        }
        return enqueue(made);
    }

    private SoakBatch batch(SplittableRandom dice) {
        return new SoakBatch(promises.kinds(), ends.replyTo(), dice);
    }

    private int enqueue(SoakBatch made) throws InterruptedException {
        List<Enqueued> enqueued = enqueue(made.batch());
        synchronized (planned) {
            for (int i = 0; i < made.size(); i++) {
                String id = made.tasks().get(i).id();
                if (enqueued.get(i).isDuplicate()) {
                    duplicates.incrementAndGet();
                    continue;
                }
                assertThat(enqueued.get(i).id()).isEqualTo(id);
                planned.put(id, made.plan(id));
                meantToEnd.addAndGet(made.plan(id).dies() ? 0 : 1);
                String row = made.row(id);
                if (row != null) {
                    rows.computeIfAbsent(row, _ -> new ArrayList<>()).add(id);
                }
            }
            chords.putAll(made.chords());
        }
        return made.size();
    }

    /** Has a task of each kind run that the broker is to take, and has it refuse all others. */
    private void tryKinds(SplittableRandom dice) throws Exception {
        var one = batch(dice);
        one.addPlain(0);
        one.addDying(0);
        for (Kind kind : Kind.values()) {
            if (promises.kinds().contains(kind)) {
                one.add(kind, 0);
            } else {
                var refused = batch(dice);
                refused.add(kind, 0);
                assertThatThrownBy(() -> broker.enqueue(refused.batch())).as(kind.toString())
                        .isInstanceOf(UnsupportedOperationException.class);
            }
        }
        enqueue(one);
        await("a task of each kind has ended", this::isOver);
        Thread.sleep(promises.young());
    }

    /** Tries until the broker has taken it, also what it may have taken: an id counts once. */
    private List<Enqueued> enqueue(Batch batch) throws InterruptedException {
        while (true) {
            try {
                return broker.enqueue(batch);
            } catch (BrokerException e) {
                triedAgain.incrementAndGet();
                lastRefusal = e.toString();
                if (e.isDoubtful()) {
                    synchronized (planned) {
                        batch.tasks().forEach(task -> enqueuedAgain.add(task.id()));
                    }
                }
                Thread.sleep(20);
            }
        }
    }

    // ---- the run ----

    /** Runs so many tasks, with so many faults on the way, and checks the books. */
    void run(int count, int faultCount, List<Fault> kinds, ServerFaults server) throws Exception {
        tryKinds(random.split());
        long start = System.nanoTime();
        AssertionError stuck = null;
        try {
            torment(count, faultCount, kinds, server);
        } catch (AssertionError e) {
            stuck = e; // the books say more
        }
        long millis = (System.nanoTime() - start) / 1_000_000;
        if (stuck == null) {
            end();
        }
        try {
            check(millis);
        } catch (AssertionError e) {
            if (stuck != null) {
                e.addSuppressed(stuck);
            }
            throw e;
        }
        if (stuck != null) {
            throw stuck;
        }
    }

    private void torment(int count, int faultCount, List<Fault> kinds, ServerFaults server) throws Exception {
        SplittableRandom dice = random.split();
        Thread submitter = Thread.ofPlatform().daemon().start(() -> submit(count, dice));
        for (int i = 0; i < faultCount; i++) {
            int until = (int) ((long) count * i / (faultCount + 1)) + random.nextInt(count / (faultCount + 1) + 1);
            allowed = until + 2 * MOST_WAITING;
            await("the next fault is due", () -> records.ended() >= until * 8 / 10 || submitterFailure != null);
            befall(kinds.get(i % kinds.size()), server);
        }
        allowed = Integer.MAX_VALUE;
        await("the submitter has ended", () -> !submitter.isAlive());
        if (submitterFailure != null) {
            throw new AssertionError("the submitter has failed", submitterFailure);
        }
        await("all tasks have ended", this::isOver);
    }

    /** Whether nothing waits or runs, and all that was enqueued has ended, as far as the broker can be asked. */
    private boolean isOver() {
        try {
            if (broker.counts().stream().anyMatch(queue -> queue.counts().entrySet().stream()
                    .anyMatch(each -> isOpen(each.getKey()) && each.getValue() > 0))) {
                return false;
            }
            synchronized (planned) {
                return ends.areAllEnded(planned.keySet());
            }
        } catch (BrokerException e) {
            return false;
        }
    }

    /** Whether this stays so: faster than tasks are enqueued, workers may have ended those that were. */
    private boolean isAllOver() {
        return isSubmitted && isOver();
    }

    /** What runs, a broker that hands messages out knows by reports; a process that was killed reports no more. */
    private boolean isOpen(TaskState state) {
        return state != TaskState.DEAD && (state != TaskState.RUNNING || promises.isExact());
    }

    private void befall(Fault fault, ServerFaults server) throws Exception {
        long from = System.nanoTime();
        switch (fault) {
            case KILL_WORKER ->
                killWorker(random.nextInt(4) == 0 ? workers.get(random.nextInt(workers.size())) : atWork(workers));
            case KILL_CHILD -> killChild();
            case STOP_WORKER -> {
                for (int i = 0; i < TRIES && !stop(atWork(workers)) && !isAllOver(); i++) {
                    // it had come to its end before it was stopped
                }
            }
            case KILL_SERVER, CUT_CONNECTIONS, STAND_STILL -> {
                server.befall(fault, random);
                befallen.add(new Befallen(fault, from, System.nanoTime(), List.of()));
            }
        }
        faults.merge(fault, 1, Integer::sum);
    }

    private void killWorker(Running worker) throws Exception {
        List<Long> pids = pids(worker);
        long at = System.nanoTime();
        worker.process.destroyForcibly().waitFor();
        befallen.add(new Befallen(Fault.KILL_WORKER, at, System.nanoTime(), pids));
        note(at, pids);
        worker.process = start(worker.plan);
    }

    private void killChild() throws Exception {
        Running worker = atWork(workers.stream().filter(each -> each.plan.hasChildren()).toList());
        List<ProcessHandle> busy = worker.process.descendants()
                .filter(each -> !records.open(List.of(each.pid())).isEmpty()).toList();
        if (!busy.isEmpty()) {
            ProcessHandle child = busy.get(random.nextInt(busy.size()));
            long at = System.nanoTime();
            child.destroyForcibly();
            child.onExit().get(BOUND.toSeconds(), TimeUnit.SECONDS);
            befallen.add(new Befallen(Fault.KILL_CHILD, at, System.nanoTime(), List.of(child.pid())));
            note(at, List.of(child.pid()));
        }
    }

    private void note(long at, List<Long> dead) throws IOException {
        records.read();
        records.open(dead).stream().filter(run -> !records.isOvertaken(run))
                .forEach(run -> lost.add(new Lost(run, at)));
    }

    /**
     * Has a worker stand still until others have begun what it had, and then go on: whatever it tells is too late.
     * Returns whether it had something. Whether what it tells is refused is asserted if the broker promises it.
     */
    private boolean stop(Running worker) throws Exception {
        long pid = worker.process.pid();
        List<Long> pids = pids(worker);
        long before = refused(pid);
        long from = System.nanoTime();
        signal("STOP", pid);
        try {
            records.read();
            Set<SoakRecords.Run> had = records.open(pids);
            long stoppedAt = System.nanoTime();
            long limit = promises.takeOver().toNanos(); // in the middle of a transaction it holds up all others
            while (!isTakenOver(had, pids, stoppedAt)) {
                if (had.isEmpty() || System.nanoTime() - stoppedAt > limit) {
                    return false; // it had nothing, or nobody was there to take it over
                }
                Thread.sleep(20);
                records.read();
            }
        } finally {
            signal("CONT", pid);
            befallen.add(new Befallen(Fault.STOP_WORKER, from, System.nanoTime(), pids));
        }
        takenOver++;
        if (promises.isExact()) {
            await("a late end is refused", () -> refused(pid) > before);
        }
        return true;
    }

    private boolean isTakenOver(Set<SoakRecords.Run> had, List<Long> pids, long stoppedAt) {
        return had.stream().anyMatch(run -> records.of(run.id()).stream().anyMatch(
                line -> line.what() == 'B' && line.at() > stoppedAt && !pids.contains(line.pid())));
    }

    /** Returns one that has a task. */
    private Running atWork(List<Running> some) throws Exception {
        List<Running> found = new ArrayList<>();
        await("a worker is at work", () -> {
            records.read();
            for (Running each : some) {
                if (each.process.isAlive() && log(each).contains("works") && !records.open(pids(each)).isEmpty()) {
                    found.add(each);
                }
            }
            if (found.isEmpty()) {
                allowed = Math.max(allowed, submitted + 1); // workers may have run all that was allowed
            }
            return !found.isEmpty() || isAllOver();
        });
        return found.isEmpty() ? some.getFirst() : found.get(random.nextInt(found.size()));
    }

    private static void signal(String signal, long pid) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + signal, Long.toString(pid)).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    }

    // ---- the books ----

    private void check(long millis) throws Exception {
        records.read();
        Map<String, TaskState> states = ends.states(planned.keySet());
        Map<TaskState, Integer> counts = new EnumMap<>(TaskState.class);
        states.values().forEach(state -> counts.merge(state, 1, Integer::sum));
        List<String> missing = planned.keySet().stream().filter(id -> !states.containsKey(id)).toList();
        List<String> unknown = states.keySet().stream().filter(id -> !planned.containsKey(id)).toList();
        List<String> deadAsMeant = planned.keySet().stream()
                .filter(id -> planned.get(id).dies() && states.get(id) == TaskState.DEAD).toList();
        long begunAgain = planned.keySet().stream()
                .filter(id -> records.count(id, 'B') > 1 + records.count(id, 'F')).count();
        List<String> doubled = planned.keySet().stream().filter(id -> records.count(id, 'E') > 1).toList();
        List<Long> again = again();
        long elsewhere = lost.stream().filter(this::isDoneElsewhere).count();
        long waiting = left(state -> state != TaskState.RUNNING);
        long leased = left(state -> state == TaskState.RUNNING);
        System.out.println(name + ": -Dsennit.seed=" + seed + ": " + planned.size() + " tasks enqueued ("
                + duplicates + " duplicates refused, " + chords.size() + " chords), in " + millis + " ms: "
                + counts.getOrDefault(TaskState.SUCCEEDED, 0) + " completed, "
                + Math.max(0, missing.size() - waiting - leased) + " lost, " + waiting + " queued, " + leased
                + " leased, " + deadAsMeant.size() + " dead as meant, "
                + (counts.getOrDefault(TaskState.DEAD, 0) - deadAsMeant.size()) + " dead else, "
                + doubled.size() + " run twice to the end " + causes(doubled) + ", " + begunAgain
                + " begun again; faults " + faults + ", "
                + takenOver + " stopped workers overtaken, " + refused() + " late ends refused, " + triedAgain
                + " enqueues tried again, " + ends.toldAgain() + " ends told again; lost runs begun again: "
                + again.size() + " of " + lost.size() + times(again) + " (lease " + lease.toMillis() + " ms), "
                + elsewhere + " done elsewhere");
        assertThat(missing.stream().limit(10).map(this::known)).as("lost, or without an end").isEmpty();
        assertThat(unknown).as("known to the broker, and never enqueued").isEmpty();
        planned.forEach((id, plan) -> assertThat(states.get(id)).as(id)
                .isEqualTo(plan.dies() ? TaskState.DEAD : TaskState.SUCCEEDED));
        assertThat(waiting + leased).as("left over, whatever their states say").isZero();
        checkRecords();
        checkResults();
        if (promises.isExact()) {
            assertThat(again).as("runs that were lost with their process, and begun again").hasSameSizeAs(lost);
            assertThat(refused()).isGreaterThanOrEqualTo(takenOver);
        } else {
            assertThat(lost).as("runs that were lost with their process")
                    .allMatch(each -> beginAgain(each) >= 0 || isDoneElsewhere(each));
        }
        if (faults.isEmpty()) {
            assertThat(doubled).as("run twice without a fault").isEmpty();
            assertThat(begunAgain).isZero();
            assertThat(refused()).isZero();
            assertThat(ends.toldAgain()).isZero();
        }
    }

    /**
     * Returns how many tasks have run twice to the end, by what befell the first of such runs before its end was known:
     * its worker was killed or stood still; else the task was enqueued again, as nobody knew whether it was there; else
     * the last that befell the server or connections before the second run, whose effects last for a while.
     */
    private Map<String, Integer> causes(List<String> doubled) {
        Map<String, Integer> causes = new TreeMap<>();
        doubled.forEach(id -> causes.merge(cause(id), 1, Integer::sum));
        return causes;
    }

    private String cause(String id) {
        List<SoakRecords.Line> lines = records.of(id);
        List<SoakRecords.Line> ends = lines.stream().filter(line -> line.what() == 'E')
                .sorted(Comparator.comparingLong(SoakRecords.Line::at)).toList();
        SoakRecords.Line first = ends.getFirst();
        long firstBegin = begin(lines, first);
        long secondBegin = begin(lines, ends.get(1));
        for (Befallen each : befallen) {
            if (each.pids.contains(first.pid()) && each.from <= secondBegin && each.to >= firstBegin) {
                return each.fault.toString();
            }
        }
        synchronized (planned) {
            if (enqueuedAgain.contains(id)) {
                return "enqueued again";
            }
        }
        long after = promises.takeOver().toNanos();
        return befallen.reversed().stream().filter(each -> each.pids.isEmpty() && each.from <= secondBegin
                && each.to + after >= firstBegin).map(each -> each.fault.toString()).findFirst().orElse("none");
    }

    private static long begin(List<SoakRecords.Line> lines, SoakRecords.Line end) {
        return lines.stream().filter(line -> line.what() == 'B' && line.pid() == end.pid() && line.at() <= end.at())
                .mapToLong(SoakRecords.Line::at).max().orElse(end.at());
    }

    /** Returns what is known of a task. */
    private String known(String id) {
        List<String> parts = chords.get(id);
        String what = parts == null
                ? chords.values().stream().anyMatch(each -> each.contains(id)) ? "a part of a chord" : "a task"
                : "the body of " + parts;
        return id + ", " + what + " " + planned.get(id) + ": " + records.of(id);
    }

    /** Returns how many tasks are left in such states, now that all workers have ended. */
    private long left(Predicate<TaskState> states) {
        return broker.counts().stream().flatMap(queue -> queue.counts().entrySet().stream())
                .filter(each -> isOpen(each.getKey()) && states.test(each.getKey()))
                .mapToLong(Map.Entry::getValue).sum();
    }

    /** The second books: each task has run to its end, or never; rows are in order; bodies come after their parts. */
    private void checkRecords() {
        assertThat(planned.keySet()).as("what tasks say of themselves").containsAll(records.ids());
        planned.forEach((id, plan) -> assertThat(records.isEnded(id)).as(id + " has run to its end")
                .isEqualTo(!plan.dies()));
        rows.forEach((row, ids) -> {
            for (int i = 1; i < ids.size(); i++) {
                assertThat(records.first(ids.get(i), 'B'))
                        .as(ids.get(i) + " begins after " + ids.get(i - 1) + " has ended: " + row)
                        .isGreaterThan(records.first(ids.get(i - 1), 'E'));
            }
        });
        chords.forEach((body, parts) -> parts.forEach(part -> assertThat(records.first(body, 'B'))
                .as("the body " + body + " begins after its part " + part)
                .isGreaterThan(records.first(part, 'E'))));
    }

    private void checkResults() {
        Map<String, String> expected = new HashMap<>();
        planned.forEach((id, plan) -> {
            if (!plan.dies()) {
                expected.put(id, Integer.toString(plan.result()));
            }
        });
        assertThat(ends.results(expected.keySet())).as("results").isEqualTo(expected);
    }

    /** Returns after how many milliseconds the lost runs were begun again, in ascending order. */
    private List<Long> again() {
        List<Long> times = new ArrayList<>();
        for (Lost each : lost) {
            long at = beginAgain(each);
            if (at >= 0) {
                times.add((at - each.at) / 1_000_000);
            }
        }
        times.sort(null);
        return times;
    }

    /** Returns when a lost run was begun again, or -1. */
    private long beginAgain(Lost run) {
        return records.of(run.run.id()).stream().filter(line -> line.what() == 'B' && line.at() > run.at)
                .mapToLong(SoakRecords.Line::at).min().orElse(-1);
    }

    /** Returns whether another run of the same task has come to its end: one that a broker without ids had twice. */
    private boolean isDoneElsewhere(Lost run) {
        return beginAgain(run) < 0 && records.isEnded(run.run.id());
    }

    private static String times(List<Long> times) {
        return times.isEmpty()
                ? ""
                : ", after " + times.get(times.size() / 2) + " ms (p50), " + times.getLast() + " ms at most";
    }

    /** Ends the workers in order. */
    private void end() throws Exception {
        for (Running worker : workers) {
            worker.process.getOutputStream().close();
        }
        for (Running worker : workers) {
            assertThat(worker.process.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS)).as(log(worker)).isTrue();
            assertThat(worker.process.exitValue()).as(log(worker)).isZero();
        }
    }

    @Override
    public void close() {
        ends.close();
        for (Running worker : workers) {
            List<ProcessHandle> children = worker.process.descendants().toList();
            worker.process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
            worker.process.onExit().join();
        }
    }
}
