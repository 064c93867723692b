package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import java.lang.ref.ReferenceQueue;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Schedules that last for days, in a JVM with the agent. Each program says how long it took by the clock of the
 * schedule.
 */
@Timeout(120)
class VirtualTimeIT {
    private static final class Own {
        static final List<String> ASYNC_POOL = List.of("ours");
    }

    /** Waits in all ways there are, one after another. */
    public static final class Waits {
        private interface Waiting {
            Object run() throws Exception;
        }

        private static void show(String what, Waiting code) throws Exception {
            long start = System.nanoTime();
            Object result = code.run();
            System.out.println(what + " -> " + result + " after " + Duration.ofNanos(System.nanoTime() - start));
        }

        private static void body() throws Exception {
            System.out.println("begins at " + Instant.now() + ", " + new Date().getTime());
            show("sleep", () -> {
                Thread.sleep(Duration.ofDays(2));
                return "";
            });
            show("parkNanos", () -> {
                LockSupport.parkNanos(1); // a sleep leaves a permit
                LockSupport.parkNanos(TimeUnit.HOURS.toNanos(3));
                return "";
            });
            show("poll", () -> new LinkedBlockingQueue<String>().poll(2, TimeUnit.HOURS));
            show("tryAcquire", () -> new Semaphore(0).tryAcquire(30, TimeUnit.DAYS));
            show("condition", () -> {
                var lock = new ReentrantLock();
                lock.lock();
                return lock.newCondition().await(1, TimeUnit.DAYS);
            });
            show("until", () -> {
                var lock = new ReentrantLock();
                lock.lock();
                return lock.newCondition().awaitUntil(new Date(System.currentTimeMillis() + 5000));
            });
            show("Object.wait", () -> {
                var monitor = new Object();
                synchronized (monitor) {
                    monitor.wait(60_000);
                }
                return "";
            });
            show("join", () -> {
                Thread.startVirtualThread(() -> LockSupport.parkNanos(TimeUnit.HOURS.toNanos(1))).join();
                return "";
            });
            show("reference queue", () -> new ReferenceQueue<String>().remove(TimeUnit.MINUTES.toMillis(20)));
            show("get", () -> {
                try {
                    return new CompletableFuture<String>().get(10, TimeUnit.DAYS);
                } catch (TimeoutException e) {
                    return "TimeoutException";
                }
            });
            show("orTimeout", () -> {
                try {
                    return new CompletableFuture<String>().orTimeout(1, TimeUnit.HOURS).get();
                } catch (ExecutionException e) {
                    return e.getCause().getClass().getSimpleName();
                }
            });
            show("orTimeout in time",
                    () -> CompletableFuture.supplyAsync(() -> "value").orTimeout(1, TimeUnit.HOURS).get());
            show("completeOnTimeout",
                    () -> new CompletableFuture<String>().completeOnTimeout("late", 1, TimeUnit.MINUTES).get());
            show("delayedExecutor", () -> CompletableFuture.supplyAsync(
                    () -> "delayed", CompletableFuture.delayedExecutor(7, TimeUnit.MINUTES)).get());
            show("thenApplyAsync",
                    () -> CompletableFuture.supplyAsync(() -> 20).thenApplyAsync(one -> one + 1).thenCombineAsync(
                            CompletableFuture.supplyAsync(() -> 21), Integer::sum).get());
            show("scheduled", () -> {
                try (var executor = Executors.newScheduledThreadPool(1, Thread.ofVirtual().factory())) {
                    return executor.schedule(() -> "run", 8, TimeUnit.HOURS).get();
                }
            });
            show("time limit", () -> {
                try (Pool pool = Pools.open("virtual")) {
                    TaskFuture<String> endless = pool.submit(
                            () -> {
                                new CountDownLatch(1).await();
                                return "";
                            },
                            TaskOptions.timeLimit(Duration.ofHours(9)));
                    return endless.get();
                } catch (ExecutionException e) {
                    return e.getCause().getClass().getSimpleName();
                }
            });
            show("polling", () -> {
                long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
                while (System.nanoTime() - end < 0) {
                    Thread.yield();
                }
                return System.nanoTime() - end < TimeUnit.MINUTES.toNanos(2);
            });
            show("method reference", () -> {
                LongSupplier ticker = System::nanoTime;
                long begin = ticker.getAsLong();
                Thread.sleep(Duration.ofMinutes(1));
                return Duration.ofNanos(ticker.getAsLong() - begin);
            });
            show("a field of the same name as one of the JDK's", () -> Own.ASYNC_POOL);
            List<Thread> sleepers = new ArrayList<>();
            show("1000 sleepers", () -> {
                for (int i = 1; i <= 1000; i++) {
                    long hours = i;
                    sleepers.add(Thread.startVirtualThread(() -> LockSupport.parkNanos(TimeUnit.HOURS.toNanos(hours))));
                }
                for (Thread one : sleepers) {
                    one.join();
                }
                return "";
            });
        }

        public static void main(String[] arguments) {
            Exploration seen = ScheduleExplorer.of(1).explore(Waits::body);
            System.out.println(seen);
        }
    }

    @Test
    void waitsLastAsLongAsTheySayAndTakeNoTime(@TempDir Path folder) throws Exception {
        String said = AgentRun.of(folder).program(Waits.class);
        String ends = "1 schedule, 1 distinct, PORTFOLIO from seed 1, memory points off, virtual time\n";
        assertThat(said).endsWith(ends);
        // It runs more often than once, and always the same.
        String once = said.substring(0, said.indexOf("begins", 1));
        assertThat(said).isEqualTo(once.repeat(3) + ends);
        assertThat(once.lines().map(line -> line.replaceFirst("(polling -> true) after .*", "$1"))).containsExactly(
                "begins at 2026-01-01T00:00:00Z, 1767225600000",
                "sleep ->  after PT48H",
                "parkNanos ->  after PT3H",
                "poll -> null after PT2H",
                "tryAcquire -> false after PT720H",
                "condition -> false after PT24H",
                "until -> false after PT5S",
                "Object.wait ->  after PT1M",
                "join ->  after PT1H",
                "reference queue -> null after PT20M",
                "get -> TimeoutException after PT240H",
                "orTimeout -> TimeoutException after PT1H",
                "orTimeout in time -> value after PT0S",
                "completeOnTimeout -> late after PT1M",
                "delayedExecutor -> delayed after PT7M",
                "thenApplyAsync -> 42 after PT0S",
                "scheduled -> run after PT8H",
                "time limit -> TimeoutException after PT9H",
                "polling -> true",
                "method reference -> PT1M after PT1M",
                "a field of the same name as one of the JDK's -> [ours] after PT0S",
                "1000 sleepers ->  after PT1000H");
    }

    /** Programs with something wrong, that only shows when time passes. */
    public static final class Broken {
        private static void show(String what, ScheduleExplorer.Body body) {
            try {
                System.out.println(what + ": " + ScheduleExplorer.of(1000).explore(body));
            } catch (ScheduleFailure found) {
                System.out.println(what + ": " + found.kind() + " " + found.getMessage().lines().findFirst().orElse("")
                        + (found.isRepeatable() ? "" : " NOT REPEATABLE"));
            }
        }

        /** The lease is renewed exactly when it ends. */
        private static void renews(Duration every) throws InterruptedException {
            var lease = new Object() {
                volatile long end = System.nanoTime() + TimeUnit.HOURS.toNanos(1);
            };
            Thread renewal = Thread.startVirtualThread(() -> {
                LockSupport.parkNanos(every.toNanos());
                lease.end = System.nanoTime() + TimeUnit.HOURS.toNanos(1);
            });
            Thread.sleep(Duration.ofHours(1));
            if (System.nanoTime() - lease.end >= 0) {
                throw new AssertionError("the lease has ended");
            }
            renewal.join();
        }

        public static void main(String[] arguments) {
            show("renewed too late", () -> renews(Duration.ofHours(1)));
            show("renewed in time", () -> renews(Duration.ofMinutes(30)));
            show("deadlock behind a day", () -> {
                try (var executor = Executors.newFixedThreadPool(1, Thread.ofVirtual().factory())) {
                    executor.submit(() -> {
                        new CountDownLatch(1).await();
                        return null;
                    });
                }
            });
            show("parallel stream", () -> IntStream.range(0, 1000).parallel().sum());
            show("waits for the pool", () -> {
                var done = new CountDownLatch(1);
                ForkJoinPool.commonPool().execute(done::countDown);
                done.await();
            });
            show("waits in vain", () -> {
                ForkJoinPool.commonPool().execute(() -> {});
                new CountDownLatch(1).await();
            });
        }
    }

    @Test
    void findsWhatIsWrongOnlyAfterHours(@TempDir Path folder) throws Exception {
        assertThat(AgentRun.of(folder).program(Broken.class).lines()).satisfiesExactly(
                line -> assertThat(line)
                        .isEqualTo("renewed too late: THREW java.lang.AssertionError: the lease has ended"),
                line -> assertThat(line).startsWith("renewed in time: 1000 schedules, ").endsWith("virtual time"),
                line -> assertThat(line)
                        .startsWith("deadlock behind a day: DEADLOCK deadlock: no thread can go on, but for one"),
                line -> assertThat(line).startsWith("parallel stream: 1000 schedules, ").endsWith("virtual time"),
                line -> assertThat(line).startsWith("waits for the pool: 1000 schedules, ").endsWith("virtual time"),
                line -> assertThat(line).startsWith("waits in vain: DEADLOCK deadlock: no thread can go on"));
    }

    /** Uses the common pool beside an exploration, and draws random numbers in it. */
    public static final class Beside {
        public static void main(String[] arguments) {
            Thread.ofPlatform().daemon().start(() -> {
                while (true) {
                    CompletableFuture.runAsync(() -> {}).join();
                }
            });
            System.out.println(ScheduleExplorer.of(1000).explore(() -> {
                if (java.util.concurrent.ThreadLocalRandom.current().nextInt() == 42) {
                    Thread.yield();
                }
            }));
        }
    }

    @Test
    void whatOthersDoToTheCommonPoolIsToldApart(@TempDir Path folder) throws Exception {
        assertThat(AgentRun.of(folder).program(Beside.class)).startsWith("1000 schedules, ");
    }
}
