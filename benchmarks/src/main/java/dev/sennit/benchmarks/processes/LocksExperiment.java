package dev.sennit.benchmarks.processes;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.Action;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.MarkdownTable;
import dev.sennit.benchmarks.measure.Peer;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.benchmarks.measure.Samples;
import dev.sennit.manager.ManagedLock;
import dev.sennit.manager.ManagerServer;
import dev.sennit.pipe.Connection;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.OwnerDiedException;
import dev.sennit.shared.SharedBarrier;
import dev.sennit.shared.SharedList;
import dev.sennit.shared.SharedLock;
import dev.sennit.shared.SharedLong;
import dev.sennit.shared.SharedMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;

/** Locks, numbers, lists and memory that processes share: by one process, by two at a time, and when one is killed. */
public final class LocksExperiment implements Experiment {
    private static final String LOCK = "multiprocessing.Lock";
    private static final String VALUE = "Value, with its lock";
    private static final String OUR_LOCK = "SharedLock";
    private static final String OUR_NUMBER = "SharedLong, getAndAdd";

    private static final int NUMBERS = 1 << 10;
    private static final long LIMIT_SECONDS = 60;
    private static final long SLEEP_MILLIS = 60_000;
    /** By then who waits has gone to sleep. */
    private static final long UNTIL_KILL_MILLIS = 20;

    private static final double AIM_SECONDS = 0.010;

    /** Keeps what is read from being optimized away. */
    @SuppressWarnings("unused") // that is what it is for
    private static volatile long sink;

    @Override
    public Report run(Bench bench) throws Exception {
        try (var python = Peers.open(bench, "multiprocessing")) {
            var report = new Report();
            byOne(bench, report, python);
            byTwo(bench, report, python);
            memory(bench, report, python);
            killed(bench, report, python);
            return report;
        }
    }

    // ---- by one process ----

    private static void byOne(Bench bench, Report report, Peers python) throws Exception {
        int rounds = bench.size(9, 1);
        int count = bench.size(200_000, 200);
        SharedLock lock = SharedLock.create();
        SharedLong number = SharedLong.create(0);

        var locks = new Rounds().add(OUR_LOCK, 3, rounds, () -> each(count, () -> lockAndUnlock(lock, count)));
        join(locks, LOCK, python, rounds, "lock " + count);
        var comparison = new Comparison(locks.run()).time("lock and unlock").against(LOCK);
        report.add("A lock that nobody else wants", comparison.table()).aim(comparison, OUR_LOCK, LOCK, 2);

        var numbers = new Rounds().add(OUR_NUMBER, 3, rounds, () -> each(count, () -> add(number, count)));
        join(numbers, VALUE, python, rounds, "value " + count);
        comparison = new Comparison(numbers.run()).time("one added").against(VALUE);
        report.add("A number that nobody else changes", comparison.table());
    }

    // ---- by two at a time ----

    private static void byTwo(Bench bench, Report report, Peers python) throws Exception {
        int rounds = bench.size(9, 1);
        int ours = bench.size(2_000_000, 200);
        int theirs = bench.size(200_000, 200);
        SharedLock lock = SharedLock.create();
        SharedLong number = SharedLong.create(0);
        SharedBarrier barrier = SharedBarrier.create(2);
        try (Pool pool = Pools.open("processes:2")) {
            Action pairs = () -> lockAndUnlock(lock, ours);
            var locks = new Rounds().add(OUR_LOCK, 3, rounds, () -> together(pool, barrier, ours, pairs));
            join(locks, LOCK, python, rounds, "lock-two " + theirs);
            var comparison = new Comparison(locks.run()).rate("pairs", 1).against(LOCK);
            report.add("Two processes that lock and unlock", comparison.table()).aim(comparison, OUR_LOCK, LOCK, 1);

            Action additions = () -> add(number, ours);
            var numbers = new Rounds().add(OUR_NUMBER, 3, rounds, () -> together(pool, barrier, ours, additions));
            join(numbers, VALUE, python, rounds, "value-two " + theirs);
            comparison = new Comparison(numbers.run()).rate("additions", 1).against(VALUE);
            report.add("Two processes that add one", comparison.table());
        }
    }

    /**
     * Seconds of one, while two workers do so many each. Their own clocks tell, as this process may wake up late: on
     * Linux all JVMs count from the same moment.
     */
    private static double[] together(Pool pool, SharedBarrier barrier, int count, Action work) throws Exception {
        Task<long[]> task = () -> {
            barrier.await(LIMIT_SECONDS, TimeUnit.SECONDS);
            long begun = System.nanoTime();
            work.run();
            return new long[] {begun, System.nanoTime()};
        };
        TaskFuture<long[]> submitted = pool.submit(task);
        long[] one = pool.submit(task).get();
        long[] other = submitted.get();
        long nanos = Math.max(one[1], other[1]) - Math.min(one[0], other[0]);
        return new double[] {nanos / 1e9 / (2.0 * count)};
    }

    // ---- lists and plain memory ----

    private static void memory(Bench bench, Report report, Peers python) throws Exception {
        int rounds = bench.size(9, 1);
        int few = bench.size(200_000, 200);
        int many = bench.size(1_000_000, 1_000);
        try (SharedList list = SharedList.create(List.of(1L, 2.0, "three"));
                SharedMemory memory = SharedMemory.create(NUMBERS * JAVA_LONG.byteSize())) {
            MemorySegment segment = memory.segment();
            against(report, "An element read", rounds, python, "SharedList", () -> each(few, () -> get(list, few)),
                    "ShareableList", "list-get " + few);
            against(report, "An element replaced", rounds, python, "SharedList", () -> each(few, () -> set(list, few)),
                    "ShareableList", "list-set " + few);
            against(report, "A number in memory read", rounds, python, "SharedMemory",
                    () -> each(many, () -> get(segment, many)),
                    "Python's SharedMemory", "memory-get " + many);
            against(report, "A number in memory written", rounds, python, "SharedMemory",
                    () -> each(many, () -> set(segment, many)),
                    "Python's SharedMemory", "memory-set " + many);
        }
    }

    private static void against(
            Report report, String title, int rounds, Peers python, String ours, Rounds.Work work, String peer,
            String request)
            throws Exception {
        var contest = new Rounds().add(ours, 3, rounds, work);
        join(contest, peer, python, rounds, request);
        report.add(title, new Comparison(contest.run()).time("each").against(peer).table());
    }

    private static void join(Rounds contest, String name, Peers python, int rounds, String request) {
        python.forEach((unused, peer) -> contest.add(name, 1, rounds, () -> peer.measure(request)));
    }

    private static double[] each(int count, Bench.Step step) throws Exception {
        return new double[] {Bench.timed(step)[0] / count};
    }

    private static void lockAndUnlock(SharedLock lock, int count) {
        for (int i = 0; i < count; i++) {
            lock.lock();
            lock.unlock();
        }
    }

    private static void add(SharedLong number, int count) {
        for (int i = 0; i < count; i++) {
            number.getAndAdd(1);
        }
    }

    private static void get(SharedList list, int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += list.get(0) instanceof Long number ? number : 0;
        }
        sink = sum;
    }

    private static void set(SharedList list, int count) {
        for (long i = 0; i < count; i++) {
            list.set(0, i);
        }
    }

    private static void get(MemorySegment memory, int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += memory.getAtIndex(JAVA_LONG, i & NUMBERS - 1);
        }
        sink = sum;
    }

    private static void set(MemorySegment memory, int count) {
        for (int i = 0; i < count; i++) {
            memory.setAtIndex(JAVA_LONG, i & NUMBERS - 1, i);
        }
    }

    // ---- kill -9 of the process that has it ----

    private static void killed(Bench bench, Report report, Peers python) throws Exception {
        int kills = bench.size(30, 1);
        int bound = bench.size(5, 1);
        var table = new MarkdownTable(
                List.of(kills + " kills of the process that has the lock", "the next one knows: p50", "p99", "max"));
        double median;
        try (ManagerServer manager = ManagerServer.local()) {
            Map<String, List<double[]>> measured = new Rounds()
                    .add(OUR_LOCK, bench.size(1, 0), kills, LocksExperiment::killHolder)
                    .add("ManagedLock", bench.size(1, 0), kills, () -> killHolder(manager.client().newLock()))
                    .run();
            measured.forEach((name, rounds) -> table.add(row(name, rounds)));
            median = samples(measured.getOrDefault(OUR_LOCK, List.of())).median();
        }
        python.forEach((unused, peer) -> {
            table.add(onlyKill(LOCK + ", killed once", peer, "crash-lock", bound));
            table.add(onlyKill("Manager().Lock(), killed once", peer, "crash-manager-lock", bound));
        });
        report.add("kill -9 of the process that has the lock another waits for", table)
                .aim("the lock of a dead process is free within 10 ms", Figures.time(median), median <= AIM_SECONDS);
    }

    private static double[] killHolder() throws Exception {
        SharedLock lock = SharedLock.create();
        return killHolder(lock, () -> {
            try {
                lock.lock();
                throw new IllegalStateException("the lock of a killed process was free without a word");
            } catch (OwnerDiedException e) {
                // as it should be
            }
        });
    }

    private static double[] killHolder(ManagedLock lock) throws Exception {
        return killHolder(lock, () -> {
            lock.lock();
            boolean abandoned = lock.isAbandoned();
            lock.unlock();
            if (!abandoned) {
                throw new IllegalStateException("the lock of a killed process was free without a word");
            }
        });
    }

    /** Lets a process lock, waits for the lock here, and kills that process meanwhile. */
    private static double[] killHolder(Lock lock, Bench.Step waiting) throws Exception {
        try (Pipe pipe = Pipe.oneWay()) {
            Connection hasIt = pipe.first();
            WorkerProcess holder = WorkerProcess.builder().daemon(true).start(() -> {
                lock.lock();
                hasIt.send("has it");
                Thread.sleep(SLEEP_MILLIS);
            });
            pipe.second().receive();
            var killed = new AtomicLong();
            Thread killer = Thread.ofPlatform().start(() -> {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(UNTIL_KILL_MILLIS));
                killed.set(System.nanoTime());
                holder.kill();
            });
            waiting.run();
            long knows = System.nanoTime();
            killer.join();
            holder.join();
            return new double[] {(knows - killed.get()) / 1e9};
        }
    }

    private static List<String> row(String name, List<double[]> rounds) {
        Samples samples = samples(rounds);
        return List.of(
                name,
                Figures.time(samples.median()),
                Figures.time(samples.percentile(99)),
                Figures.time(samples.most()));
    }

    private static Samples samples(List<double[]> rounds) {
        return new Samples(rounds.stream().mapToDouble(round -> round[0]).toArray());
    }

    private static List<String> onlyKill(String name, Peer peer, String request, int bound) {
        try {
            double seconds = peer.measure(request + " " + bound)[0];
            return List.of(name, seconds < 0 ? "never (not in " + bound + " s)" : Figures.time(seconds), "", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
