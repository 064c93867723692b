package dev.sennit.benchmarks.schedules;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.testing.Exploration;
import dev.sennit.testing.ScheduleExplorer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Four broken programs, as small as the bugs that they stand for. */
enum ScheduleBug {
    /** A buffer of one place with one condition for those who put and those who take. */
    SIGNAL("signal() where signalAll() is needed", false, () -> {
        var buffer = new Buffer();
        Runnable puts = () -> {
            buffer.put();
            buffer.put();
        };
        Runnable takes = () -> {
            buffer.take();
            buffer.take();
        };
        together(List.of(puts, takes, puts, takes));
    }),
    LOCKS("two locks in different orders", false, () -> {
        var one = new ReentrantLock();
        var other = new ReentrantLock();
        together(List.of(() -> both(one, other), () -> both(other, one)));
    }),
    COUNT("n++ by three threads", true, () -> {
        var counter = new Counter();
        Runnable counts = () -> {
            counter.increment();
            counter.increment();
        };
        together(List.of(counts, counts, counts));
        check(counter.count == 6);
    }),
    CHECK("a check that no longer holds", true, () -> {
        var cache = new ConcurrentHashMap<String, Integer>();
        var loads = new AtomicInteger();
        Runnable gets = () -> {
            if (!cache.containsKey("key")) {
                cache.put("key", loads.incrementAndGet());
            }
        };
        together(List.of(gets, gets));
        check(loads.get() == 1);
    });

    private final String title;
    private final boolean wantsMemoryPoints;
    private final ScheduleExplorer.Body body;

    ScheduleBug(String title, boolean wantsMemoryPoints, ScheduleExplorer.Body body) {
        this.title = title;
        this.wantsMemoryPoints = wantsMemoryPoints;
        this.body = body;
    }

    String title() {
        return title;
    }

    boolean wantsMemoryPoints() {
        return wantsMemoryPoints;
    }

    /** How long so many schedules take, in seconds, and how many of them fail. */
    double[] measure(int schedules) {
        long start = System.nanoTime();
        Exploration seen = ScheduleExplorer.of(schedules).survey(body);
        return new double[] {Bench.secondsSince(start), seen.failed()};
    }

    /** In a JVM of its own, with the agent: measures what each line says, until there is none. */
    public static void main(String[] arguments) throws IOException {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            double[] measured = valueOf(words[0]).measure(Integer.parseInt(words[1]));
            System.out.println(measured[0] + " " + measured[1]);
        }
    }

    private static void together(List<Runnable> all) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Runnable one : all) {
            threads.add(Thread.startVirtualThread(one));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void check(boolean holds) {
        if (!holds) {
            throw new AssertionError("it does not hold");
        }
    }

    private static void both(ReentrantLock one, ReentrantLock other) {
        one.lock();
        Thread.yield();
        other.lock();
        other.unlock();
        one.unlock();
    }

    private static final class Counter {
        private int count;

        void increment() {
            count++;
        }
    }

    private static final class Buffer {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private boolean full;

        void put() {
            change(false);
        }

        void take() {
            change(true);
        }

        private void change(boolean from) {
            lock.lock();
            try {
                while (full != from) {
                    changed.awaitUninterruptibly();
                }
                full = !from;
                changed.signal();
            } finally {
                lock.unlock();
            }
        }
    }
}
