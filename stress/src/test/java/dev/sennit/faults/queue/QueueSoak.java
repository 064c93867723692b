package dev.sennit.faults.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.faults.queue.SoakTasks.Work;
import dev.sennit.queue.SubmitOptions;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.Enqueued;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A run of tasks of all kinds by several worker processes, while somebody torments these and the broker; and the books
 * of it: what was enqueued, what the broker says became of each task, and what the tasks themselves have written.
 */
final class QueueSoak implements AutoCloseable {
    private static final Duration BOUND = Duration.ofSeconds(90);
    private static final int KEYS = 6;
    private static final int UNIQUE_KEYS = 12;
    private static final int TRIES = 100;
    /** So many tasks wait at most: what was lost waits for its turn behind them. */
    private static final int MOST_WAITING = 150;
    /** Runs that were lost with their process are no failures. */
    private static final RetryPolicy RETRY = RetryPolicy.attempts(20).waiting(Duration.ofMillis(20)).crashes(100_000);

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

    private record Planned(int result, boolean dies) {}

    /** When a run was lost, and which. */
    private record Lost(SoakRecords.Run run, long at) {}

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
    private volatile @Nullable Throwable submitterFailure;
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    private final List<Lost> lost = new ArrayList<>();
    private int takenOver;

    QueueSoak(String name, long seed, Path folder, Duration lease, Broker broker, List<WorkerPlan> plans)
            throws Exception {
        this.name = name;
        this.seed = seed;
        this.folder = folder;
        this.lease = lease;
        this.broker = broker;
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
                        + " tasks have ended, " + broker.counts() + ", some dead: " + someDead() + tails());
            }
            Thread.sleep(10);
        }
    }

    /** Returns how some tasks have died that were not to. */
    private List<String> someDead() {
        return broker.search(TaskFilter.ALL.state(TaskState.DEAD), 1000).stream()
                .filter(task -> {
                    synchronized (planned) {
                        Planned plan = planned.get(task.id());
                        return plan == null || !plan.dies;
                    }
                })
                .limit(5)
                .map(task -> task.id() + " " + task.reason() + ", " + task.error() + ", after " + task.attempts()
                        + " attempts, " + task.failures() + " failures, " + task.crashes() + " crashes")
                .toList();
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
                while (meantToEnd.get() - records.ended() > MOST_WAITING) {
                    Thread.sleep(5);
                }
            }
        } catch (Throwable e) {
            submitterFailure = e;
        }
    }

    /** Enqueues so many tasks, or a few more, in one batch. */
    private int enqueue(int from, int count, SplittableRandom dice) throws InterruptedException {
        List<QueuedTask> tasks = new ArrayList<>();
        List<Join> joins = new ArrayList<>();
        Map<String, Planned> plans = new HashMap<>();
        Map<String, String> rowsOf = new HashMap<>();
        Map<String, List<String>> bodies = new HashMap<>();
        while (tasks.size() < count) {
            int number = from + tasks.size();
            SubmitOptions options = SubmitOptions.NONE.retry(RETRY).priority(3 + dice.nextInt(4));
            var work = new Work(number, dice.nextInt(3), 0);
            String row = null;
            switch (dice.nextInt(10)) {
                case 0 -> work = new Work(number, 50 + dice.nextInt(200), 0);
                case 1 -> options = options.delay(Duration.ofMillis(dice.nextInt(1500)));
                case 2, 3 -> {
                    row = "key " + dice.nextInt(KEYS);
                    options = options.key(row, 1).priority(5);
                    work = new Work(number, dice.nextInt(10), dice.nextInt(5) == 0 ? 1 : 0);
                }
                case 4 -> {
                    row = "unique " + dice.nextInt(UNIQUE_KEYS);
                    options = options.unique(row);
                    work = new Work(number, dice.nextInt(40), 0);
                }
                case 5 -> work = new Work(number, 0, 1 + dice.nextInt(3));
                case 6 -> {
                    if (dice.nextInt(4) == 0) {
                        options =
                                options.retry(RetryPolicy.attempts(2).waiting(Duration.ofMillis(10)).crashes(100_000));
                        work = new Work(number, 0, 1_000_000);
                    } else {
                        chord(number, 2 + dice.nextInt(6), tasks, joins, plans, bodies, dice);
                        continue;
                    }
                }
                default -> {
                    // as it is
                }
            }
            QueuedTask task = SoakTasks.WORK.task(work, options).build();
            tasks.add(task);
            plans.put(task.id(), new Planned(number, work.failures() > 20));
            if (row != null) {
                rowsOf.put(task.id(), row);
            }
        }
        List<Enqueued> enqueued = enqueue(new Batch(tasks, joins));
        synchronized (planned) {
            for (int i = 0; i < tasks.size(); i++) {
                String id = tasks.get(i).id();
                if (enqueued.get(i).isDuplicate()) {
                    duplicates.incrementAndGet();
                    continue;
                }
                assertThat(enqueued.get(i).id()).isEqualTo(id);
                planned.put(id, plans.get(id));
                meantToEnd.addAndGet(plans.get(id).dies ? 0 : 1);
                String row = rowsOf.get(id);
                if (row != null) {
                    rows.computeIfAbsent(row, _ -> new ArrayList<>()).add(id);
                }
            }
            chords.putAll(bodies);
        }
        return tasks.size();
    }

    private static void chord(int number, int parts, List<QueuedTask> tasks, List<Join> joins,
            Map<String, Planned> plans, Map<String, List<String>> bodies, SplittableRandom dice) {
        String join = QueuedTask.newId();
        joins.add(new Join(join, parts, List.of()));
        List<String> ids = new ArrayList<>();
        int sum = 0;
        SubmitOptions options = SubmitOptions.NONE.retry(RETRY);
        for (int i = 0; i < parts; i++) {
            var work = new Work(number + i, dice.nextInt(5), dice.nextInt(6) == 0 ? 1 : 0);
            QueuedTask part = SoakTasks.WORK.task(work, options).part(new PartOf(join, i)).build();
            tasks.add(part);
            plans.put(part.id(), new Planned(number + i, false));
            ids.add(part.id());
            sum += number + i;
        }
        QueuedTask body = SoakTasks.SUM.task(new Integer[0], options).after(join).build();
        tasks.add(body);
        plans.put(body.id(), new Planned(sum, false));
        bodies.put(body.id(), ids);
    }

    /** Tries until the broker has taken it, also what it may have taken: an id counts once. */
    private List<Enqueued> enqueue(Batch batch) throws InterruptedException {
        while (true) {
            try {
                return broker.enqueue(batch);
            } catch (BrokerException e) {
                triedAgain.incrementAndGet();
                Thread.sleep(20);
            }
        }
    }

    // ---- the run ----

    /** Runs so many tasks, with so many faults on the way, and checks the books. */
    void run(int count, int faultCount, List<Fault> kinds, ServerFaults server) throws Exception {
        long start = System.nanoTime();
        SplittableRandom dice = random.split();
        Thread submitter = Thread.ofPlatform().start(() -> submit(count, dice));
        for (int i = 0; i < faultCount; i++) {
            int until = (int) ((long) count * i / (faultCount + 1)) + random.nextInt(count / (faultCount + 1) + 1);
            await("the next fault is due", () -> records.ended() >= until * 8 / 10 || submitterFailure != null);
            befall(kinds.get(i % kinds.size()), server);
        }
        await("the submitter has ended", () -> !submitter.isAlive());
        if (submitterFailure != null) {
            throw new AssertionError("the submitter has failed", submitterFailure);
        }
        await("all tasks have ended", this::isOver);
        check((System.nanoTime() - start) / 1_000_000);
        end();
    }

    private boolean isOver() {
        try {
            return broker.counts().stream().allMatch(queue -> queue.counts().entrySet().stream()
                    .allMatch(each -> each.getKey() == TaskState.DEAD || each.getValue() == 0));
        } catch (BrokerException e) {
            return false;
        }
    }

    private void befall(Fault fault, ServerFaults server) throws Exception {
        switch (fault) {
            case KILL_WORKER ->
                killWorker(random.nextInt(4) == 0 ? workers.get(random.nextInt(workers.size())) : atWork(workers));
            case KILL_CHILD -> killChild();
            case STOP_WORKER -> {
                for (int i = 0; i < TRIES && !stop(atWork(workers)) && !isOver(); i++) {
                    // it had come to its end before it was stopped
                }
            }
            case KILL_SERVER, CUT_CONNECTIONS, STAND_STILL -> server.befall(fault, random);
        }
        faults.merge(fault, 1, Integer::sum);
    }

    private void killWorker(Running worker) throws Exception {
        List<Long> pids = pids(worker);
        long at = System.nanoTime();
        worker.process.destroyForcibly().waitFor();
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
     * Returns whether it had something.
     */
    private boolean stop(Running worker) throws Exception {
        long pid = worker.process.pid();
        List<Long> pids = pids(worker);
        long before = refused(pid);
        signal("STOP", pid);
        try {
            records.read();
            Set<SoakRecords.Run> had = records.open(pids);
            long stoppedAt = System.nanoTime();
            long limit = lease.toNanos() * 4; // in the middle of a transaction it holds up all others
            while (!isTakenOver(had, pids, stoppedAt)) {
                if (had.isEmpty() || System.nanoTime() - stoppedAt > limit) {
                    return false; // it had nothing, or nobody was there to take it over
                }
                Thread.sleep(20);
                records.read();
            }
        } finally {
            signal("CONT", pid);
        }
        takenOver++;
        await("a late end is refused", () -> refused(pid) > before);
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
            return !found.isEmpty() || isOver();
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
        Map<String, TaskState> states = states();
        Map<TaskState, Integer> counts = new EnumMap<>(TaskState.class);
        states.values().forEach(state -> counts.merge(state, 1, Integer::sum));
        List<String> missing = planned.keySet().stream().filter(id -> !states.containsKey(id)).toList();
        List<String> unknown = states.keySet().stream().filter(id -> !planned.containsKey(id)).toList();
        List<String> deadAsMeant = planned.keySet().stream()
                .filter(id -> planned.get(id).dies && states.get(id) == TaskState.DEAD).toList();
        long begunAgain = planned.keySet().stream()
                .filter(id -> records.count(id, 'B') > 1 + records.count(id, 'F')).count();
        List<String> doubled = planned.keySet().stream().filter(id -> records.count(id, 'E') > 1).toList();
        List<Long> again = again();
        System.out.println(name + ": -Dsennit.seed=" + seed + ": " + planned.size() + " tasks enqueued ("
                + duplicates + " duplicates refused, " + chords.size() + " chords), in " + millis + " ms: "
                + counts.getOrDefault(TaskState.SUCCEEDED, 0) + " completed, " + missing.size() + " lost, "
                + queued(counts) + " queued, " + counts.getOrDefault(TaskState.RUNNING, 0) + " leased, "
                + deadAsMeant.size() + " dead as meant, "
                + (counts.getOrDefault(TaskState.DEAD, 0) - deadAsMeant.size()) + " dead else, "
                + doubled.size() + " run twice to the end, " + begunAgain + " begun again; faults " + faults + ", "
                + takenOver + " stopped workers overtaken, " + refused() + " late ends refused, " + triedAgain
                + " enqueues tried again; lost runs begun again: " + again.size() + " of " + lost.size() + times(again)
                + " (lease " + lease.toMillis() + " ms)");
        assertThat(missing).as("lost").isEmpty();
        assertThat(unknown).as("known to the broker, and never enqueued").isEmpty();
        planned.forEach((id, plan) -> assertThat(states.get(id)).as(id)
                .isEqualTo(plan.dies ? TaskState.DEAD : TaskState.SUCCEEDED));
        checkRecords();
        checkResults();
        assertThat(again).as("runs that were lost with their process, and begun again").hasSameSizeAs(lost);
        if (takenOver > 0) {
            assertThat(refused()).isPositive();
        }
        if (faults.isEmpty()) {
            assertThat(doubled).as("run twice without a fault").isEmpty();
            assertThat(begunAgain).isZero();
            assertThat(refused()).isZero();
        }
    }

    private static int queued(Map<TaskState, Integer> counts) {
        return counts.getOrDefault(TaskState.READY, 0) + counts.getOrDefault(TaskState.SCHEDULED, 0)
                + counts.getOrDefault(TaskState.HELD, 0) + counts.getOrDefault(TaskState.BLOCKED, 0);
    }

    private Map<String, TaskState> states() {
        Map<String, TaskState> states = new HashMap<>();
        String last = null;
        while (true) {
            List<TaskView> some = broker.search(TaskFilter.ALL.after(last), 1000);
            if (some.isEmpty()) {
                return states;
            }
            for (TaskView each : some) {
                assertThat(states.put(each.id(), each.state())).as(each.id() + " is there twice").isNull();
            }
            last = some.getLast().id();
        }
    }

    /** The second books: each task has run to its end, or never; rows are in order; bodies come after their parts. */
    private void checkRecords() {
        assertThat(planned.keySet()).as("what tasks say of themselves").containsAll(records.ids());
        planned.forEach((id, plan) -> assertThat(records.isEnded(id)).as(id + " has run to its end")
                .isEqualTo(!plan.dies));
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
        List<String> ids = planned.keySet().stream().filter(id -> !planned.get(id).dies).toList();
        int known = 0;
        for (int i = 0; i < ids.size(); i += 500) {
            Collection<EndedTask> some = broker.ended(ids.subList(i, Math.min(ids.size(), i + 500)));
            for (EndedTask each : some) {
                assertThat(new String(each.result(), StandardCharsets.UTF_8)).as("the result of " + each.id())
                        .isEqualTo(Integer.toString(planned.get(each.id()).result));
            }
            known += some.size();
        }
        assertThat(known).isEqualTo(ids.size());
    }

    /** Returns after how many milliseconds the lost runs were begun again, in ascending order. */
    private List<Long> again() {
        List<Long> times = new ArrayList<>();
        for (Lost each : lost) {
            records.of(each.run.id()).stream().filter(line -> line.what() == 'B' && line.at() > each.at)
                    .mapToLong(SoakRecords.Line::at).min()
                    .ifPresent(at -> times.add((at - each.at) / 1_000_000));
        }
        times.sort(null);
        return times;
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
        for (Running worker : workers) {
            List<ProcessHandle> children = worker.process.descendants().toList();
            worker.process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
            worker.process.onExit().join();
        }
    }
}
