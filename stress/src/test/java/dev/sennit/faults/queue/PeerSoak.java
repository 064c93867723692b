package dev.sennit.faults.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.faults.queue.QueueSoak.Fault;
import dev.sennit.faults.queue.QueueSoak.ServerFaults;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A {@link QueueSoak} for a queue of Python: its workers run plain tasks that write when they begin and end,
 * while somebody torments the workers and the server. Nothing is asserted of the queue: it is counted what became of
 * the tasks, after all is in order again and nothing has happened for a time that is longer than its own rounds.
 *
 * <p>Workers that end by themselves are started again, as whoever runs workers would. So are all of them if nothing
 * happens for {@link #STALL} although tasks are queued; how often is counted.
 */
final class PeerSoak implements AutoCloseable {
    private static final String PYTHON = "/usr/bin/python3";
    /** Celery looks for lost messages about every 100 seconds. */
    private static final Duration QUIET = Duration.ofSeconds(130);
    private static final Duration STALL = Duration.ofSeconds(30);
    private static final Duration BOUND = Duration.ofSeconds(90);
    private static final Duration GIVE_UP = Duration.ofMinutes(10);
    private static final int MOST_STALLS = 50;
    private static final int WORKERS = 2;
    private static final int MOST_WAITING = 150;
    private static final long LOOK_MILLIS = 20;

    /** A queue of Python, with its settings. */
    enum Peer {
        /** As Celery is by default: a message is acknowledged before its task runs. */
        CELERY("celery, default settings", "celerysoak.py", "celery", Map.of()),
        /** With the settings that are recommended against losses. */
        CELERY_LATE("celery, acks_late, reject_on_worker_lost, visibility timeout of 5 s", "celerysoak.py", "celery",
                Map.of("SENNIT_SOAK_VISIBILITY", "5")),
        RQ("rq, default settings", "rqsoak.py", "rq", Map.of());

        final String title;
        final String script;
        final String module;
        final Map<String, String> settings;

        Peer(String title, String script, String module, Map<String, String> settings) {
            this.title = title;
            this.script = script;
            this.module = module;
            this.settings = settings;
        }

        boolean isInstalled() throws InterruptedException {
            try {
                return new ProcessBuilder(PYTHON, "-c", "import redis, " + module)
                        .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor()
                        == 0;
            } catch (IOException e) {
                return false;
            }
        }
    }

    /** An interpreter that answers lines. */
    private record Asked(Process process, BufferedReader answers) {
        String ask(String line) throws IOException {
            process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.US_ASCII));
            process.getOutputStream().flush();
            return answer();
        }

        String answer() throws IOException {
            String answer = answers.readLine();
            if (answer == null) {
                throw new IOException("Python has ended");
            }
            return answer;
        }
    }

    /** Where tasks are, by their ids. */
    private record Where(Set<String> queued, Set<String> leased, Set<String> failed) {
        static Where of(String answer) {
            List<Set<String>> some = Arrays.stream(answer.split("\\|", -1))
                    .<Set<String>>map(ids -> new HashSet<>(ids.isEmpty() ? List.of() : List.of(ids.split(" "))))
                    .toList();
            return new Where(some.get(0), some.get(1), some.get(2));
        }
    }

    private final String name;
    private final Peer peer;
    private final long seed;
    private final SplittableRandom random;
    private final Path folder;
    private final String uri;
    private final SoakRecords records;
    private final List<Process> all = new ArrayList<>();
    private final List<ProcessHandle> orphans = new ArrayList<>();
    private final List<Process> workers = new ArrayList<>();
    private final Asked submitter;
    private final Asked looker;
    private int started;
    private int endedAlone;
    private int stalls;
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    /** So many tasks were accepted; they are named by their numbers. */
    private final AtomicInteger accepted = new AtomicInteger();
    private final AtomicInteger triedAgain = new AtomicInteger();
    private volatile @Nullable Throwable submitterFailure;
    /** Written by the thread that waits. */
    private int lastEnded = -1;
    private long progressAt = System.nanoTime();

    /**
     * Starts the workers.
     *
     * @param direct the address of the server
     * @param detour the same for workers, by way of a proxy
     */
    PeerSoak(String name, Peer peer, long seed, Path folder, String direct, String detour) throws Exception {
        this.name = name + ", " + peer.title;
        this.peer = peer;
        this.seed = seed;
        this.folder = folder;
        random = new SplittableRandom(seed);
        uri = detour;
        records = new SoakRecords(Files.createDirectories(folder.resolve("records")));
        for (String each : List.of(peer.script, "soakrecords.py")) {
            try (InputStream file = PeerSoak.class.getResourceAsStream(each)) {
                Files.copy(file, folder.resolve(each));
            }
        }
        try {
            submitter = asked(direct);
            looker = asked(direct);
            for (int i = 0; i < WORKERS; i++) {
                workers.add(worker());
            }
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    // ---- processes ----

    private Process python(String address, Path errors, boolean isTogether, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(PYTHON, "-B", "-W", "ignore", peer.script));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().putAll(peer.settings);
        builder.environment().put(SoakTasks.FOLDER, folder.toString());
        builder.environment().put(SoakWorkerMain.BROKER, address);
        builder.environment().put("SENNIT_SOAK_MOST", Integer.toString(MOST_WAITING));
        builder.environment().put("C_FORCE_ROOT", "1");
        if (isTogether) {
            builder.redirectErrorStream(true).redirectOutput(errors.toFile());
        } else {
            builder.redirectError(errors.toFile());
        }
        Process process = builder.start();
        all.add(process);
        return process;
    }

    private Asked asked(String address) throws IOException {
        Process process = python(address, folder.resolve("asked-" + started++ + ".log"), false);
        var asked = new Asked(process,
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII)));
        assertThat(asked.answer()).isEqualTo("ready");
        return asked;
    }

    private Process worker() throws IOException {
        int number = started++;
        return python(uri, folder.resolve("worker-" + number + ".log"), true, "worker", "soak" + number);
    }

    /** Starts again the workers that have ended by themselves. */
    private void startEnded() throws IOException {
        for (int i = 0; i < workers.size(); i++) {
            if (!workers.get(i).isAlive()) {
                endedAlone++;
                workers.set(i, worker());
            }
        }
    }

    private void end(Process worker) throws IOException, InterruptedException {
        List<ProcessHandle> children = worker.descendants().toList();
        worker.getOutputStream().close();
        if (!worker.waitFor(15, TimeUnit.SECONDS)) {
            worker.destroyForcibly().waitFor();
        }
        children.forEach(ProcessHandle::destroyForcibly);
    }

    // ---- waits ----

    private boolean hasAdvanced() throws IOException {
        records.read();
        if (records.ended() == lastEnded) {
            return false;
        }
        lastEnded = records.ended();
        progressAt = System.nanoTime();
        return true;
    }

    private Duration still() {
        return Duration.ofNanos(System.nanoTime() - progressAt);
    }

    /** Looks after the workers for a moment. */
    private void look() throws Exception {
        startEnded();
        if (still().compareTo(GIVE_UP) > 0) {
            throw new AssertionError(name + ": nothing happens, and nothing waits to be taken");
        }
        if (!hasAdvanced() && still().compareTo(STALL) > 0 && !where().queued.isEmpty()) {
            if (++stalls > MOST_STALLS) {
                throw new AssertionError(name + ": nothing happens, whatever is started again");
            }
            for (int i = 0; i < workers.size(); i++) {
                end(workers.get(i));
                workers.set(i, worker());
            }
            progressAt = System.nanoTime();
        }
        Thread.sleep(LOOK_MILLIS);
    }

    private Where where() throws IOException {
        return Where.of(looker.ask("where"));
    }

    // ---- the run ----

    private void submit(int count, SplittableRandom dice) {
        try {
            for (int i = 0; i < count;) {
                int size = Math.min(1 + dice.nextInt(60), count - i);
                var line = new StringBuilder("enqueue");
                for (int k = 0; k < size; k++) {
                    int millis = dice.nextInt(10) == 0 ? 50 + dice.nextInt(200) : dice.nextInt(3);
                    line.append(' ').append(i + k).append(':').append(millis);
                }
                triedAgain.addAndGet(Integer.parseInt(submitter.ask(line.toString())));
                i += size;
                accepted.set(i);
            }
        } catch (Throwable e) {
            submitterFailure = e;
        }
    }

    /** Runs so many tasks, with so many faults on the way, and counts what became of them. */
    void run(int count, int faultCount, List<Fault> kinds, ServerFaults server) throws Exception {
        long start = System.nanoTime();
        SplittableRandom dice = random.split();
        Thread submitting = Thread.ofPlatform().start(() -> submit(count, dice));
        for (int i = 0; i < faultCount; i++) {
            int until = (int) ((long) count * i / (faultCount + 1)) + random.nextInt(count / (faultCount + 1) + 1);
            while (accepted.get() < until && submitting.isAlive()) {
                look();
            }
            befall(kinds.get(i % kinds.size()), server);
        }
        while (submitting.isAlive()) {
            look();
        }
        if (submitterFailure != null) {
            throw new AssertionError("the submitter has failed", submitterFailure);
        }
        progressAt = System.nanoTime();
        while (records.ended() < count && still().compareTo(QUIET) < 0) {
            look();
        }
        check(count, (System.nanoTime() - start) / 1_000_000);
        if (faultCount == 0) {
            assertThat(records.ended()).as("completed without a fault").isEqualTo(count);
        }
    }

    private void befall(Fault fault, ServerFaults server) throws Exception {
        switch (fault) {
            case KILL_WORKER -> killWorker();
            case KILL_CHILD -> killChild();
            default -> server.befall(fault, random);
        }
        faults.merge(fault, 1, Integer::sum);
    }

    /** Kills a worker that runs a task, and now and then any. */
    private void killWorker() throws Exception {
        List<ProcessHandle> busy = random.nextInt(4) == 0 ? List.of() : awaitBusy();
        int number = random.nextInt(workers.size());
        for (int i = 0; i < workers.size(); i++) {
            number = !busy.isEmpty() && workers.get(i).descendants().anyMatch(busy.getFirst()::equals) ? i : number;
        }
        Process worker = workers.get(number);
        worker.descendants().forEach(orphans::add);
        worker.destroyForcibly().waitFor();
        workers.set(number, worker());
    }

    private void killChild() throws Exception {
        awaitBusy().getFirst().destroyForcibly();
    }

    /** Waits for processes that run tasks; returns them in any order. */
    private List<ProcessHandle> awaitBusy() throws Exception {
        long since = System.nanoTime();
        while (System.nanoTime() - since < BOUND.toNanos()) {
            records.read();
            List<ProcessHandle> busy = new ArrayList<>();
            for (Process worker : workers) {
                worker.descendants().filter(this::isBusy).forEach(child -> busy.add(random.nextInt(busy.size() + 1),
                        child));
            }
            if (!busy.isEmpty()) {
                return busy;
            }
            look();
        }
        throw new AssertionError(name + ": no process has had a task for " + BOUND);
    }

    /** Whether a process has begun a task and not ended it; RQ has a process for a task alone. */
    private boolean isBusy(ProcessHandle child) {
        return peer == Peer.RQ || !records.open(List.of(child.pid())).isEmpty();
    }

    // ---- the books ----

    private void check(int count, long millis) throws IOException {
        records.read();
        Where where = where();
        int completed = 0;
        int doubled = 0;
        int begunAgain = 0;
        int failed = 0;
        int queued = 0;
        int leased = 0;
        int lost = 0;
        int lostInTheMiddle = 0;
        for (int i = 0; i < count; i++) {
            String id = Integer.toString(i);
            doubled += records.count(id, 'E') > 1 ? 1 : 0;
            begunAgain += records.count(id, 'B') > 1 ? 1 : 0;
            if (records.isEnded(id)) {
                completed++;
            } else if (where.queued.contains(id)) {
                queued++;
            } else if (where.leased.contains(id)) {
                leased++;
            } else if (where.failed.contains(id)) {
                failed++;
            } else {
                lost++;
                lostInTheMiddle += records.of(id).isEmpty() ? 0 : 1;
            }
        }
        System.out.println(name + ": -Dsennit.seed=" + seed + ": " + count + " tasks enqueued, in " + millis + " ms: "
                + completed + " completed, " + lost + " lost (" + lostInTheMiddle + " of them had begun), " + queued
                + " queued, " + leased + " leased, " + failed + " failed, " + doubled + " run twice to the end, "
                + begunAgain + " begun again; faults " + faults + ", " + triedAgain + " enqueues tried again, "
                + endedAlone + " workers ended by themselves, all started again " + stalls
                + " times as nothing happened");
        assertThat(completed).as("completed, by the records").isEqualTo(records.ended());
        assertThat(records.ids()).as("tasks that have run").isSubsetOf(numbers(count));
        for (Set<String> some : List.of(where.queued, where.leased, where.failed)) {
            assertThat(some).as("tasks that the queue has").isSubsetOf(numbers(count));
        }
        assertThat(completed + lost + queued + leased + failed).isEqualTo(count);
    }

    private static Set<String> numbers(int count) {
        Set<String> numbers = new HashSet<>();
        for (int i = 0; i < count; i++) {
            numbers.add(Integer.toString(i));
        }
        return numbers;
    }

    @Override
    public void close() throws IOException {
        try {
            for (Process worker : workers) {
                end(worker);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // they are ended below
        }
        for (Process process : all) {
            List<ProcessHandle> children = process.descendants().toList();
            process.destroyForcibly();
            children.forEach(ProcessHandle::destroyForcibly);
            process.onExit().join();
        }
        orphans.forEach(ProcessHandle::destroyForcibly);
    }
}
