package dev.sennit.faults;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.sennit.Retry;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.manager.ManagedLock;
import dev.sennit.manager.ManagedValue;
import dev.sennit.manager.ManagerClient;
import dev.sennit.manager.ManagerServer;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import dev.sennit.shared.SharedList;
import dev.sennit.shared.SharedLock;
import dev.sennit.shared.SharedMemory;
import java.io.Serializable;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Tasks of every kind that keep a pool busy, with a record of how each may end and how often it may begin.
 *
 * <p>Shared memory holds how often each task began, so that the death of a worker does not change it.
 */
final class Load implements AutoCloseable {
    private static final VarHandle INTS = JAVA_INT.varHandle();
    private static final int MOST_TASKS = 1 << 19;
    private static final int MOST_UNDER_WAY = 60;
    private static final int MAPPED = 40;
    private static final Duration BOUND = Duration.ofSeconds(60);

    enum Kind {
        TINY,
        LONG,
        LARGE,
        MAPPED,
        CALLBACK,
        CANCELLED,
        LIMITED,
        /** Ignores interrupts: its worker has to be killed. */
        STUBBORN,
        RETRIED,
        LOCKED,
        MANAGED
    }

    /** The counts of begun tasks, in shared memory. */
    private record Book(SharedMemory begun) implements Serializable {
        private static final long serialVersionUID = 1L;

        /** Counts a begin. Returns how often the task had begun before. */
        int begin(int number) {
            return (int) INTS.getAndAdd(begun.segment(), 4L * number, 1);
        }

        int begun(int number) {
            return (int) INTS.getVolatile(begun.segment(), 4L * number);
        }
    }

    /** Two numbers that are equal whenever the lock is free. */
    private record Guarded(SharedLock lock, SharedList numbers) implements Serializable {
        private static final long serialVersionUID = 1L;

        void change() {
            boolean died = lock.lockRecovering();
            try {
                Object first = Objects.requireNonNull(numbers.get(0));
                if (!died && !first.equals(numbers.get(1))) {
                    throw new AssertionError("half changed under a lock, and nobody was told");
                }
                int next = (int) first + 1;
                numbers.set(0, next);
                numbers.set(1, next);
            } finally {
                lock.unlock();
            }
        }
    }

    /** The same in a manager. */
    private record Managed(ManagedLock lock, ManagedValue<Integer> first, ManagedValue<Integer> second)
            implements Serializable {
        private static final long serialVersionUID = 1L;

        void change() throws InterruptedException {
            if (!lock.tryLock(BOUND.toSeconds(), SECONDS)) {
                throw new AssertionError("nobody let go of a manager's lock");
            }
            try {
                int next = Objects.requireNonNull(first.get()) + 1;
                if (!lock.isAbandoned() && next - 1 != Objects.requireNonNull(second.get())) {
                    throw new AssertionError("half changed under a manager's lock, and nobody was told");
                }
                first.set(next);
                second.set(next);
            } finally {
                lock.unlock();
            }
        }
    }

    private final ProcessPool pool;
    private final RandomGenerator random;
    private final List<Kind> kinds;
    private final SharedMemory memory = SharedMemory.create(4L * MOST_TASKS);
    private final Book book = new Book(memory);
    private final Guarded guarded = new Guarded(SharedLock.create(), SharedList.create(List.of(0, 0)));
    private final Managed managed;
    /** The kind of each task. Only the submitting thread, and readers after its end. */
    private final Kind[] kindOf = new Kind[MOST_TASKS];
    private final Semaphore room = new Semaphore(MOST_UNDER_WAY);
    private final Map<Integer, CompletableFuture<?>> underWay = new ConcurrentHashMap<>();
    private final Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
    private final Set<Long> killed = ConcurrentHashMap.newKeySet();
    private final Set<Long> crashed = ConcurrentHashMap.newKeySet();
    private final LongAdder values = new LongAdder();
    private final AtomicInteger numbers = new AtomicInteger();
    private final Thread submitter;
    private volatile boolean over;

    /** Starts the load at once. Some tasks use objects of the server. */
    Load(ProcessPool pool, ManagerServer server, RandomGenerator random, Set<Kind> without) {
        this.pool = pool;
        this.random = random;
        this.kinds = List.of(Kind.values()).stream().filter(kind -> !without.contains(kind)).toList();
        ManagerClient client = server.client();
        managed = new Managed(client.newLock(), client.newValue(), client.newValue());
        managed.first.set(0);
        managed.second.set(0);
        submitter = Thread.ofPlatform().daemon().name("load").start(() -> {
            try {
                while (!over && numbers.get() + MAPPED < MOST_TASKS) {
                    room.acquire();
                    submit();
                }
            } catch (Throwable e) {
                wrong.add(e);
            }
        });
    }

    /** Notes that a process is about to be killed: its task may fail, once. */
    void kills(long pid) {
        killed.add(pid);
    }

    int killed() {
        return killed.size();
    }

    /** Returns how many tasks failed because their worker was killed. */
    int crashed() {
        return crashed.size();
    }

    long values() {
        return values.sum();
    }

    // ---- submitting ----

    private static long answer(int number) {
        return number * 31L + 7;
    }

    private Kind draw() {
        int of1000 = random.nextInt(1_000);
        Kind drawn = of1000 < 4
                ? Kind.STUBBORN
                : of1000 < 350 ? Kind.TINY : Kind.values()[random.nextInt(Kind.values().length)];
        return kinds.contains(drawn) && (drawn != Kind.STUBBORN || of1000 < 4) ? drawn : Kind.LONG;
    }

    private void submit() {
        Kind kind = draw();
        int number = numbers.getAndAdd(kind == Kind.MAPPED ? MAPPED : 1);
        kindOf[number] = kind;
        Book began = book;
        switch (kind) {
            case TINY -> watch(number, pool.submit(() -> {
                began.begin(number);
                return answer(number);
            }), answer(number));
            case LONG -> watch(number, pool.submit(slow(number, random.nextInt(20_000_000))), answer(number));
            case LARGE -> {
                byte[] much = new byte[1 + random.nextInt(400_000)];
                watch(number, pool.submit(() -> {
                    began.begin(number);
                    much[much.length / 2]++;
                    return much;
                }).thenApply(back -> back.length + back[back.length / 2]), much.length + 1);
            }
            case MAPPED -> {
                for (int i = 1; i < MAPPED; i++) {
                    kindOf[number + i] = kind;
                }
                List<Integer> items = IntStream.range(number, number + MAPPED).boxed().toList();
                var whole = new CompletableFuture<@Nullable Object>();
                watch(number, whole, items.stream().map(Load::answer).toList());
                Thread.startVirtualThread(() -> {
                    try {
                        whole.complete(pool.map(item -> {
                            began.begin(item);
                            return answer(item);
                        }, items));
                    } catch (Throwable e) {
                        whole.completeExceptionally(e);
                    }
                });
            }
            case CALLBACK -> {
                var second = new CompletableFuture<@Nullable Object>();
                boolean waits = random.nextBoolean();
                watch(number, second, answer(number));
                pool.submit(() -> 1).onDone(first -> {
                    TaskFuture<Long> task = pool.submit(() -> {
                        began.begin(number);
                        return answer(number);
                    });
                    task.whenComplete((value, failure) -> end(second, value, failure));
                    if (waits) {
                        try {
                            task.join(); // waits for the task itself: otherwise the pool would not notice the wait
                        } catch (CompletionException e) {
                            // is told to the second
                        }
                    }
                    Throwable failure = first.handle((value, thrown) -> thrown).join();
                    if (failure instanceof WorkerCrashedException crash && !isExpected(crash)) {
                        wrong.add(failure);
                    }
                });
            }
            case CANCELLED -> {
                TaskFuture<Long> task = pool.submit(slow(number, random.nextInt(20_000_000)));
                boolean interrupt = random.nextBoolean();
                long after = random.nextInt(10_000_000);
                watch(number, task, answer(number));
                Thread.startVirtualThread(() -> {
                    LockSupport.parkNanos(after);
                    task.cancel(interrupt);
                });
            }
            case LIMITED -> watch(
                    number,
                    pool.submit(
                            slow(number, random.nextInt(20_000_000)), TaskOptions.timeLimit(Duration.ofMillis(10))),
                    answer(number));
            case STUBBORN -> watch(number, pool.submit(() -> {
                began.begin(number);
                while (true) {
                    Thread.onSpinWait();
                }
            }, TaskOptions.timeLimit(Duration.ofMillis(20))), answer(number));
            case RETRIED -> {
                boolean fails = random.nextBoolean();
                watch(number, pool.submit(() -> {
                    if (began.begin(number) == 0 && fails) {
                        throw new IllegalStateException("the first attempt fails");
                    }
                    return answer(number);
                }, TaskOptions.NONE.retry(Retry.attempts(10_000))), answer(number));
            }
            case LOCKED -> {
                Guarded shared = guarded;
                watch(number, pool.submit(() -> {
                    began.begin(number);
                    shared.change();
                    return answer(number);
                }), answer(number));
            }
            case MANAGED -> {
                Managed shared = managed;
                watch(number, pool.submit(() -> {
                    began.begin(number);
                    shared.change();
                    return answer(number);
                }), answer(number));
            }
        }
    }

    /** Returns a slow task that stops at an interrupt. */
    private dev.sennit.Task<Long> slow(int number, long nanos) {
        Book began = book;
        return () -> {
            began.begin(number);
            long until = System.nanoTime() + nanos;
            while (System.nanoTime() < until) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                LockSupport.parkNanos(100_000);
            }
            return answer(number);
        };
    }

    private static void end(CompletableFuture<@Nullable Object> future, @Nullable Object value,
            @Nullable Throwable failure) {
        if (failure == null) {
            future.complete(value);
        } else {
            future.completeExceptionally(failure);
        }
    }

    // ---- judging ----

    private void watch(int number, CompletableFuture<?> future, Object expected) {
        underWay.put(number, future);
        future.whenComplete((value, failure) -> {
            try {
                judge(number, expected, value, failure);
            } catch (Throwable e) {
                wrong.add(e);
            } finally {
                underWay.remove(number);
                room.release();
            }
        });
    }

    private void judge(int number, Object expected, @Nullable Object value, @Nullable Throwable failure) {
        Kind kind = kindOf[number];
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        boolean right = switch (cause) {
            case null -> expected.equals(value) && beganAsOftenAsItMay(number, kind);
            case WorkerCrashedException crash -> kind != Kind.RETRIED && isExpected(crash);
            case CancellationException cancelled -> kind == Kind.CANCELLED;
            case TimeoutException late -> kind == Kind.LIMITED || kind == Kind.STUBBORN;
            default -> false;
        };
        if (!right) {
            wrong.add(new AssertionError(
                    "task " + number + ", " + kind + ", began " + book.begun(number) + " times and ended with " + value,
                    cause));
        }
        if (cause == null) {
            values.increment();
        }
    }

    private boolean beganAsOftenAsItMay(int number, Kind kind) {
        for (int i = number; i < number + (kind == Kind.MAPPED ? MAPPED : 1); i++) {
            int begun = book.begun(i);
            if (begun < 1 || begun > 1 && kind != Kind.RETRIED) {
                return false;
            }
        }
        return true;
    }

    /** Returns whether a killed worker explains the crash. Each killed worker ran one task. */
    private boolean isExpected(WorkerCrashedException crash) {
        return killed.contains(crash.pid()) && crash.signal().orElse(0) == 9 && crashed.add(crash.pid());
    }

    /** Ends the load, waits for the tasks under way, and throws if any check fails. */
    void settle() throws Exception {
        over = true;
        submitter.join(BOUND);
        for (Map.Entry<Integer, CompletableFuture<?>> each : underWay.entrySet()) {
            try {
                each.getValue().handle((value, failure) -> true).get(BOUND.toSeconds(), SECONDS);
            } catch (TimeoutException e) {
                wrong.add(new AssertionError(
                        "task " + each.getKey() + ", " + kindOf[each.getKey()] + ", hangs in " + pool));
            }
        }
        Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
        int submitted = numbers.get();
        for (int i = 0; i < submitted; i++) {
            Kind kind = kindOf[i];
            counts.merge(kind, 1, Integer::sum);
            if (book.begun(i) > 1 && kind != Kind.RETRIED) {
                wrong.add(new AssertionError("task " + i + ", " + kind + ", began " + book.begun(i) + " times"));
            }
        }
        guarded.change();
        managed.change();
        if (!wrong.isEmpty()) {
            var failure = new AssertionError(
                    wrong.size() + " of " + submitted + " tasks are not as they should be: " + counts);
            wrong.stream().limit(5).forEach(failure::addSuppressed);
            throw failure;
        }
    }

    /** Returns the counts so far. */
    @Override
    public String toString() {
        return numbers.get() + " tasks, " + values() + " values, " + killed() + " workers killed, " + crashed()
                + " tasks failed with them";
    }

    @Override
    public void close() {
        over = true;
        guarded.numbers.close();
        memory.close();
    }
}
