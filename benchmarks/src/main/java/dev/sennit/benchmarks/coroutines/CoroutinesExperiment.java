package dev.sennit.benchmarks.coroutines;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Comparison;
import dev.sennit.benchmarks.measure.Experiment;
import dev.sennit.benchmarks.measure.Figures;
import dev.sennit.benchmarks.measure.Peers;
import dev.sennit.benchmarks.measure.Report;
import dev.sennit.benchmarks.measure.Rounds;
import dev.sennit.loop.Channel;
import dev.sennit.loop.EventLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * Coroutines of a loop beside those of asyncio and Kotlin, and virtual threads: started, switched, fed, put to sleep,
 * cancelled.
 */
public final class CoroutinesExperiment implements Experiment {
    private static final String LOOP = "loop";
    private static final String BATON = "loop, baton";
    private static final String VIRTUAL = "virtual threads";
    private static final String KOTLIN = "Kotlin";
    private static final String ASYNCIO = "asyncio";
    private static final String UVLOOP = "uvloop";

    private static final int YIELDERS = 10;
    private static final int CAPACITY = 1000;
    private static final Duration SLEEP = Duration.ofMillis(100);
    private static final double SLEEP_AIM = 1.1;

    /** One thing to measure, by a coroutine of a pool. */
    private interface Body {
        void run(Pool pool, int count) throws Exception;
    }

    @Override
    public Report run(Bench bench) throws Exception {
        try (Pool loop = Pools.open("loop?mechanism=scheduler");
                Pool baton = Pools.open("loop?mechanism=baton");
                Pool virtual = Pools.open("virtual");
                var peers = Peers.open(bench, ASYNCIO, UVLOOP)) {
            Map<String, Pool> pools = new LinkedHashMap<>();
            pools.put(LOOP, loop);
            pools.put(BATON, baton);
            pools.put(VIRTUAL, virtual);
            var contest = new Contest(bench, pools, peers);
            var report = new Report();

            Comparison spawn = contest.run("spawn", bench.size(100_000, 100), CoroutinesExperiment::spawn, Map.of());
            report.add("Started and waited for", spawn.table()).aim(spawn, LOOP, ASYNCIO, 15);

            Comparison yield = contest.run("yield", bench.size(50_000, 50), CoroutinesExperiment::yield, Map.of());
            report.add("Switches of " + YIELDERS + " that yield", yield.table())
                    .aim(yield, LOOP, ASYNCIO, 5)
                    .aim(yield, LOOP, UVLOOP, 3)
                    .aim(yield, BATON, ASYNCIO, 1.5);

            Comparison queue = contest.run(
                    "queue",
                    bench.size(300_000, 300),
                    (pool, count) -> channel(pool, count, CAPACITY),
                    Map.of("loop, ArrayBlockingQueue", (pool, count) -> queue(pool, count, CAPACITY)));
            report.add("Values through a queue of " + CAPACITY, queue.table()).aim(queue, LOOP, ASYNCIO, 15);

            Comparison there = contest.run(
                    "ping",
                    bench.size(50_000, 50),
                    CoroutinesExperiment::ping,
                    Map.of("loop, ArrayBlockingQueue", CoroutinesExperiment::pingOverQueues));
            report.add("There and back over two queues of 1", there.table());

            int sleepers = bench.size(10_000, 10);
            Comparison sleep = contest.run("sleep", sleepers, CoroutinesExperiment::sleep, Map.of());
            report.add(sleepers + " that sleep for " + SLEEP.toMillis() + " ms, one of them", sleep.table());
            double sleeps = sleepers * sleep.median(LOOP) / SLEEP.toNanos() * 1e9;
            report.aim("all of them in <= " + SLEEP_AIM + " times the sleep", Figures.ratio(sleeps) + " times",
                    sleeps <= SLEEP_AIM);

            Comparison cancel = contest.run("cancel", bench.size(50_000, 50), CoroutinesExperiment::cancel, Map.of());
            report.add("Sleepers that are cancelled", cancel.table()).aim(cancel, LOOP, ASYNCIO, 8);
            return report;
        }
    }

    private record Contest(Bench bench, Map<String, Pool> pools, Peers peers) {
        /** Each of the pools, and on the loop what else there is. */
        Comparison run(String what, int count, Body body, Map<String, Body> others) throws Exception {
            int rounds = bench.size(9, 1);
            int warmups = bench.size(10, 1);
            var contest = new Rounds();
            pools.forEach((name, pool) -> contest.add(name, warmups, rounds, () -> seconds(pool, count, body)));
            Pool loop = pools.getOrDefault(LOOP, pools.values().iterator().next());
            others.forEach((name, other) -> contest.add(name, warmups, rounds, () -> seconds(loop, count, other)));
            contest.add(KOTLIN, warmups, rounds, () -> new double[] {KotlinCoroutines.measure(what, count)});
            peers.forEach(
                    (name, peer) -> contest.add(name, 1, rounds, () -> peer.measure(name + "-" + what + " " + count)));
            return new Comparison(contest.run()).time("each").against(ASYNCIO).against(UVLOOP).against(KOTLIN);
        }
    }

    /** Of each of the things that are done so many times. */
    private static double[] seconds(Pool pool, int count, Body body) throws Exception {
        Task<Double> main = () -> {
            long start = System.nanoTime();
            body.run(pool, count);
            return Bench.secondsSince(start);
        };
        return new double[] {pool.submit(main).get() / count};
    }

    private static void spawn(Pool pool, int count) throws Exception {
        List<TaskFuture<?>> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            all.add(pool.submit(() -> {}));
        }
        awaitAll(all);
    }

    /** The count is that of all switches: each of the ten does its part. */
    private static void yield(Pool pool, int count) throws Exception {
        List<TaskFuture<?>> all = new ArrayList<>();
        for (int k = 0; k < YIELDERS; k++) {
            all.add(pool.submit(() -> {
                for (int i = 0; i < count / YIELDERS; i++) {
                    EventLoop.yieldNow();
                }
            }));
        }
        awaitAll(all);
    }

    private static void channel(Pool pool, int count, int capacity) throws Exception {
        var channel = new Channel<Integer>(capacity);
        TaskFuture<?> producer = pool.submit(() -> {
            for (int i = 0; i < count; i++) {
                channel.send(i);
            }
            return null;
        });
        TaskFuture<?> consumer = pool.submit(() -> {
            for (int i = 0; i < count; i++) {
                channel.receive();
            }
            return null;
        });
        awaitAll(List.of(producer, consumer));
    }

    private static void queue(Pool pool, int count, int capacity) throws Exception {
        BlockingQueue<Integer> queue = new ArrayBlockingQueue<>(capacity);
        TaskFuture<?> producer = pool.submit(() -> {
            for (int i = 0; i < count; i++) {
                queue.put(i);
            }
            return null;
        });
        TaskFuture<?> consumer = pool.submit(() -> {
            for (int i = 0; i < count; i++) {
                queue.take();
            }
            return null;
        });
        awaitAll(List.of(producer, consumer));
    }

    private static void ping(Pool pool, int count) throws Exception {
        var there = new Channel<Integer>(1);
        var back = new Channel<Integer>(1);
        TaskFuture<?> other = pool.submit(() -> {
            for (int i = 0; i < count; i++) {
                back.send(there.receive());
            }
            return null;
        });
        for (int i = 0; i < count; i++) {
            there.send(i);
            back.receive();
        }
        other.get();
    }

    private static void pingOverQueues(Pool pool, int count) throws Exception {
        BlockingQueue<Integer> there = new ArrayBlockingQueue<>(1);
        BlockingQueue<Integer> back = new ArrayBlockingQueue<>(1);
        TaskFuture<?> other = pool.submit(() -> {
            for (int i = 0; i < count; i++) {
                back.put(there.take());
            }
            return null;
        });
        for (int i = 0; i < count; i++) {
            there.put(i);
            back.take();
        }
        other.get();
    }

    private static void sleep(Pool pool, int count) throws Exception {
        List<TaskFuture<?>> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            all.add(pool.submit(() -> {
                EventLoop.sleep(SLEEP);
                return null;
            }));
        }
        awaitAll(all);
    }

    private static void cancel(Pool pool, int count) throws Exception {
        List<TaskFuture<?>> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            all.add(pool.submit(() -> {
                EventLoop.sleep(Duration.ofHours(1));
                return null;
            }));
        }
        EventLoop.yieldNow();
        all.forEach(one -> one.cancel(true));
        while (pool.statistics().workers() > 1) { // until their runs have ended, not only their futures
            EventLoop.sleep(Duration.ofMillis(1));
        }
    }

    private static void awaitAll(List<? extends TaskFuture<?>> all) throws Exception {
        for (TaskFuture<?> one : all) {
            one.get();
        }
    }
}
