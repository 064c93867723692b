package dev.sennit.testing;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Exchanger;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Phaser;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Supplier;

/**
 * Small programs with a data race, and without. Each has a value that one thread writes and another reads; what differs
 * is what orders the two. No body checks its result: the race alone is what is looked for.
 */
final class RaceBodies {
    private RaceBodies() {}

    /** A plain value. */
    private static class Box {
        int value;
    }

    /** Runs an action as its own thread. */
    interface Part {
        void run() throws Exception;
    }

    /** Only for references to methods of the JDK; where an interface has such, all its calls may order something. */
    interface Reference {
        void run() throws Exception;
    }

    private static Thread start(Part part) {
        return Thread.startVirtualThread(() -> {
            try {
                part.run();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    private static void both(Part one, Part other) throws InterruptedException {
        Thread first = start(one);
        Thread second = start(other);
        first.join();
        second.join();
    }

    /** One worker: the JDK keeps them in a hash set, and stops them in the order of their identity hash codes. */
    private static ExecutorService virtualWorker() {
        return Executors.newFixedThreadPool(1, Thread.ofVirtual().factory());
    }

    // ---- with a race ----

    /** The programs with a race. */
    enum Raced implements ScheduleExplorer.Body {
        COUNTER {
            @Override
            public void run() throws Exception {
                var box = new Box();
                both(() -> box.value++, () -> box.value++);
            }
        },
        FIELD_OF_A_SUPERCLASS {
            @Override
            public void run() throws Exception {
                class Derived extends Box {}
                var box = new Derived();
                Box same = box;
                both(() -> box.value = 1, () -> same.value = 2);
            }
        },
        ELEMENT {
            @Override
            public void run() throws Exception {
                var counts = new long[2];
                both(() -> counts[1]++, () -> counts[1] = 5);
            }
        },
        STATIC_FIELD {
            @Override
            public void run() throws Exception {
                both(() -> Statics.plain++, () -> Statics.plain++);
            }
        },
        ONE_FORGETS_THE_MONITOR {
            @Override
            public void run() throws Exception {
                var box = new Box();
                both(
                        () -> {
                            synchronized (box) {
                                box.value++;
                            }
                        },
                        () -> box.value++);
            }
        },
        TWO_MONITORS {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var one = new Object();
                var other = new Object();
                both(
                        () -> {
                            synchronized (one) {
                                box.value++;
                            }
                        },
                        () -> {
                            synchronized (other) {
                                box.value++;
                            }
                        });
            }
        },
        TWO_LOCKS {
            @Override
            public void run() throws Exception {
                var box = new Box();
                both(
                        () -> locked(new ReentrantLock(), () -> box.value++),
                        () -> locked(new ReentrantLock(), () -> box.value++));
            }
        },
        READ_LOCKS_DO_NOT_EXCLUDE {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var lock = new ReentrantReadWriteLock();
                Part counts = () -> {
                    lock.readLock().lock();
                    box.value++;
                    lock.readLock().unlock();
                };
                both(counts, counts);
            }
        },
        PLAIN_FLAG {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var ready = new boolean[1];
                both(
                        () -> {
                            box.value = 7;
                            ready[0] = true;
                        },
                        () -> {
                            if (ready[0]) {
                                use(box.value);
                            }
                        });
            }
        },
        PLAIN_PUBLICATION {
            private Box published = new Box();

            @Override
            public void run() throws Exception {
                both(() -> published = new Box(), () -> use(published.value));
            }
        },
        DOUBLE_CHECKED {
            @Override
            public void run() throws Exception {
                var lazy = new PlainLazy();
                both(() -> use(lazy.get().value), () -> use(lazy.get().value));
            }
        },
        /** As {@code String.hashCode}: harmless, and a race all the same. */
        LAZY_HASH {
            @Override
            public void run() throws Exception {
                var hashed = new Object() {
                    private int hash;

                    int hash() {
                        int known = hash;
                        if (known == 0) {
                            known = 42;
                            hash = known;
                        }
                        return known;
                    }
                };
                both(() -> use(hashed.hash()), () -> use(hashed.hash()));
            }
        },
        WRITTEN_AFTER_IT_WAS_HANDED_OVER {
            @Override
            public void run() throws Exception {
                var queue = new ArrayBlockingQueue<Box>(1);
                both(
                        () -> {
                            var box = new Box();
                            queue.put(box);
                            box.value = 1;
                        },
                        () -> use(queue.take().value));
            }
        },
        WRITTEN_AFTER_SUBMIT {
            @Override
            public void run() throws Exception {
                var box = new Box();
                try (ExecutorService workers = virtualWorker()) {
                    Future<?> done = workers.submit(() -> use(box.value));
                    box.value = 1;
                    done.get();
                }
            }
        },
        TWO_TASKS {
            @Override
            public void run() throws Exception {
                var box = new Box();
                try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
                    Callable<Integer> counts = () -> box.value++;
                    workers.invokeAll(List.of(counts, counts));
                }
            }
        },
        READ_BEFORE_THE_JOIN {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread writes = start(() -> box.value = 1);
                use(box.value);
                writes.join();
            }
        },
        OTHER_THREAD_IS_JOINED {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread writes = start(() -> box.value = 1);
                start(() -> {}).join();
                use(box.value);
                writes.join();
            }
        },
        JOIN_WITHOUT_A_LOOK {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread writes = start(() -> {
                    Thread.yield();
                    box.value = 1;
                });
                if (!writes.isAlive()) {
                    use(0);
                }
                use(box.value);
                writes.join();
            }
        },
        NOTIFIED_WITHOUT_THE_MONITOR {
            @Override
            public void run() throws Exception {
                var box = new Box();
                both(
                        () -> {
                            synchronized (box) {
                                box.notifyAll();
                            }
                            box.value = 1;
                        },
                        () -> {
                            synchronized (box) {
                                use(box.value);
                            }
                        });
            }
        },
        PERMITS_FOR_TWO {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var permits = new Semaphore(2);
                Part counts = () -> {
                    permits.acquire();
                    box.value++;
                    permits.release();
                };
                both(counts, counts);
            }
        },
        OPTIMISTIC_READ {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var lock = new StampedLock();
                both(
                        () -> {
                            long stamp = lock.writeLock();
                            box.value = 1;
                            lock.unlockWrite(stamp);
                        },
                        () -> {
                            long stamp = lock.tryOptimisticRead();
                            int read = box.value;
                            use(lock.validate(stamp) ? read : 0);
                        });
            }
        },
        LATCH_COUNTED_TOO_EARLY {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var latch = new CountDownLatch(1);
                both(
                        () -> {
                            latch.countDown();
                            box.value = 1;
                        },
                        () -> {
                            latch.await();
                            use(box.value);
                        });
            }
        }
    }

    // ---- without ----

    /** The programs without a race. */
    enum Free implements ScheduleExplorer.Body {
        MONITOR {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Part counts = () -> {
                    synchronized (box) {
                        box.value++;
                    }
                };
                both(counts, counts);
                use(box.value);
            }
        },
        SYNCHRONIZED_METHODS {
            @Override
            public void run() throws Exception {
                var box = new Object() {
                    private int value;

                    synchronized int next() {
                        if (value < 0) {
                            throw new AssertionError();
                        }
                        return ++value;
                    }
                };
                both(() -> use(box.next()), () -> use(box.next()));
            }
        },
        WAIT_AND_NOTIFY {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var turn = new int[1];
                both(
                        () -> {
                            synchronized (box) {
                                box.value = 1;
                                turn[0] = 1;
                                box.notifyAll();
                                while (turn[0] != 2) {
                                    box.wait();
                                }
                                use(box.value);
                            }
                        },
                        () -> {
                            synchronized (box) {
                                while (turn[0] != 1) {
                                    box.wait();
                                }
                                box.value++;
                                turn[0] = 2;
                                box.notifyAll();
                            }
                        });
            }
        },
        LOCK {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var lock = new ReentrantLock();
                both(() -> locked(lock, () -> box.value++), () -> locked(lock, () -> box.value++));
                use(box.value);
            }
        },
        TRY_LOCK {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var lock = new ReentrantLock();
                Part counts = () -> {
                    if (lock.tryLock()) {
                        box.value++;
                        lock.unlock();
                    }
                };
                both(counts, counts);
            }
        },
        OWN_LOCK {
            @Override
            public void run() throws Exception {
                class Own extends ReentrantLock {
                    private static final long serialVersionUID = 1L;
                }
                var box = new Box();
                var lock = new Own();
                Part counts = () -> {
                    lock.lock();
                    box.value++;
                    lock.unlock();
                };
                both(counts, counts);
            }
        },
        CONDITION {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var lock = new ReentrantLock();
                Condition changed = lock.newCondition();
                both(
                        () -> locked(lock, () -> {
                            box.value = 1;
                            changed.signalAll();
                            while (box.value != 2) {
                                changed.await();
                            }
                        }),
                        () -> locked(lock, () -> {
                            while (box.value != 1) {
                                changed.await();
                            }
                            box.value = 2;
                            changed.signalAll();
                        }));
            }
        },
        READ_WRITE_LOCK {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var lock = new ReentrantReadWriteLock();
                both(
                        () -> {
                            lock.writeLock().lock();
                            box.value = 1;
                            lock.writeLock().unlock();
                        },
                        () -> {
                            lock.readLock().lock();
                            use(box.value);
                            lock.readLock().unlock();
                        });
            }
        },
        STAMPED_LOCK {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var lock = new StampedLock();
                both(
                        () -> {
                            long stamp = lock.writeLock();
                            box.value = 1;
                            lock.unlockWrite(stamp);
                        },
                        () -> {
                            lock.asReadLock().lock();
                            use(box.value);
                            lock.asReadLock().unlock();
                        });
            }
        },
        ATOMIC_COUNTER {
            @Override
            public void run() throws Exception {
                var count = new AtomicInteger();
                both(() -> use(count.incrementAndGet()), () -> use(count.incrementAndGet()));
                use(count.get());
            }
        },
        VOLATILE_FLAG {
            private volatile boolean ready;

            @Override
            public void run() throws Exception {
                ready = false;
                var box = new Box();
                both(
                        () -> {
                            box.value = 7;
                            ready = true;
                        },
                        () -> {
                            while (!ready) {
                                Thread.onSpinWait();
                            }
                            use(box.value);
                        });
            }
        },
        VOLATILE_STATIC_FLAG {
            @Override
            public void run() throws Exception {
                Statics.ready = false;
                var box = new Box();
                both(
                        () -> {
                            box.value = 7;
                            Statics.ready = true;
                        },
                        () -> {
                            if (Statics.ready) {
                                use(box.value);
                            }
                        });
            }
        },
        ATOMIC_PUBLICATION {
            @Override
            public void run() throws Exception {
                var published = new AtomicReference<Box>();
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            published.set(box);
                        },
                        () -> {
                            Box box = published.get();
                            if (box != null) {
                                use(box.value);
                            }
                        });
            }
        },
        FINAL_FIELD_IN_A_MAP {
            @Override
            public void run() throws Exception {
                record Point(int x, int y) {}
                var map = new ConcurrentHashMap<String, Point>();
                both(
                        () -> map.put("a", new Point(1, 2)),
                        () -> {
                            Point point = map.get("a");
                            if (point != null) {
                                use(point.x + point.y);
                            }
                        });
            }
        },
        PLAIN_FIELD_IN_A_MAP {
            @Override
            public void run() throws Exception {
                var map = new ConcurrentHashMap<String, Box>();
                both(
                        () -> map.computeIfAbsent("a", _ -> {
                            var box = new Box();
                            box.value = 7;
                            return box;
                        }),
                        () -> {
                            Box box = map.get("a");
                            if (box != null) {
                                use(box.value);
                            }
                        });
            }
        },
        VIEW_OF_A_MAP {
            @Override
            public void run() throws Exception {
                Map<String, Box> map = new ConcurrentHashMap<>();
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            map.put("a", box);
                        },
                        () -> {
                            Collection<Box> values = map.values();
                            for (Box box : values) {
                                use(box.value);
                            }
                        });
            }
        },
        SYNCHRONIZED_LIST {
            @Override
            public void run() throws Exception {
                List<Box> list = Collections.synchronizedList(new ArrayList<>());
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            list.add(box);
                        },
                        () -> {
                            if (!list.isEmpty()) {
                                use(list.get(0).value);
                            }
                        });
            }
        },
        COPY_ON_WRITE_LIST {
            @Override
            public void run() throws Exception {
                List<Box> list = new CopyOnWriteArrayList<>();
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            list.add(box);
                        },
                        () -> list.forEach(box -> use(box.value)));
            }
        },
        COPY_OF_A_VIEW {
            @Override
            public void run() throws Exception {
                var map = new ConcurrentHashMap<Integer, Box>();
                Collection<Box> view = map.values();
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            map.put(1, box);
                        },
                        () -> {
                            for (Box box : new ArrayList<>(view)) {
                                use(box.value);
                            }
                        });
            }
        },
        EACH_BY_A_REFERENCE {
            @Override
            public void run() throws Exception {
                var queue = new ConcurrentLinkedQueue<Box>();
                both(
                        () -> {
                            var boxes = new ArrayList<Box>();
                            var box = new Box();
                            box.value = 7;
                            boxes.add(box);
                            boxes.forEach(queue::add);
                        },
                        () -> {
                            Box box = queue.poll();
                            use(box == null ? 0 : box.value);
                        });
            }
        },
        UNMODIFIABLE_VIEW {
            @Override
            public void run() throws Exception {
                var map = new ConcurrentHashMap<Integer, Box>();
                Map<Integer, Box> view = Collections.unmodifiableMap(map);
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            map.put(1, box);
                        },
                        () -> {
                            Box box = view.get(1);
                            use(box == null ? 0 : box.value);
                        });
            }
        },
        DOUBLE_CHECKED {
            @Override
            public void run() throws Exception {
                var lazy = new VolatileLazy();
                both(() -> use(lazy.get().value), () -> use(lazy.get().value));
            }
        },
        HOLDER {
            @Override
            public void run() throws Exception {
                if (++Statics.runs > 3) { // not in the run that initializes all else
                    both(() -> use(Holder.BOX.value + Holder.ALL[0]), () -> use(Holder.BOX.value + Holder.ALL[0]));
                }
            }
        },
        HANDED_OVER_BY_SYNCHRONOUS_QUEUE {
            @Override
            public void run() throws Exception {
                handOver(new SynchronousQueue<>());
            }
        },
        HANDED_OVER_BY_ARRAY_QUEUE {
            @Override
            public void run() throws Exception {
                handOver(new ArrayBlockingQueue<>(1));
            }
        },
        HANDED_OVER_BY_LINKED_QUEUE {
            @Override
            public void run() throws Exception {
                handOver(new LinkedBlockingQueue<>());
            }
        },
        HANDED_OVER_BY_POLLING {
            @Override
            public void run() throws Exception {
                var queue = new ConcurrentLinkedQueue<Box>();
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            queue.add(box);
                        },
                        () -> {
                            Box box = queue.poll();
                            use(box == null ? 0 : box.value);
                        });
            }
        },
        HANDED_OVER_BY_FUTURE {
            @Override
            public void run() throws Exception {
                var future = new CompletableFuture<Box>();
                both(
                        () -> {
                            var box = new Box();
                            box.value = 7;
                            future.complete(box);
                        },
                        () -> use(future.get().value));
            }
        },
        FUTURE_CHAIN {
            @Override
            public void run() throws Exception {
                try (ExecutorService workers = virtualWorker();
                        ExecutorService others = virtualWorker()) {
                    var box = new Box();
                    CompletableFuture<Void> one = CompletableFuture.runAsync(() -> box.value = 1, workers);
                    CompletableFuture<Box> other = CompletableFuture.supplyAsync(Box::new, others);
                    CompletableFuture<Integer> sum = one
                            .thenCombineAsync(other, (_, made) -> box.value + made.value, workers)
                            .thenApply(added -> box.value = added + 1)
                            .whenComplete((_, _) -> box.value++);
                    use(sum.get() + box.value);
                }
            }
        },
        SEMAPHORE {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var permit = new Semaphore(1);
                Part counts = () -> {
                    permit.acquire();
                    box.value++;
                    permit.release();
                };
                both(counts, counts);
            }
        },
        LATCH {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var latch = new CountDownLatch(1);
                both(
                        () -> {
                            box.value = 1;
                            latch.countDown();
                        },
                        () -> {
                            latch.await();
                            use(box.value);
                        });
            }
        },
        LATCH_BY_REFERENCES {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var latch = new CountDownLatch(1);
                Reference awaits = latch::await;
                both(
                        () -> {
                            box.value = 1;
                            Thread.startVirtualThread(latch::countDown);
                        },
                        () -> {
                            awaits.run();
                            use(box.value);
                        });
            }
        },
        /** The worker runs no code that tells what it does. */
        PASSED_ON_BY_A_WORKER {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var one = new Semaphore(0);
                var other = new Semaphore(0);
                ExecutorService worker = virtualWorker();
                worker.execute(one::acquireUninterruptibly);
                worker.execute(other::release);
                both(
                        () -> {
                            box.value = 1;
                            one.release();
                        },
                        () -> {
                            other.acquire();
                            use(box.value);
                        });
                worker.close();
            }
        },
        BARRIER {
            @Override
            public void run() throws Exception {
                var values = new int[3];
                var barrier = new CyclicBarrier(2, () -> values[2] = values[0] + values[1]);
                both(
                        () -> {
                            values[0] = 1;
                            barrier.await();
                            use(values[1] + values[2]);
                        },
                        () -> {
                            values[1] = 1;
                            barrier.await();
                            use(values[0] + values[2]);
                        });
            }
        },
        EXCHANGER {
            @Override
            public void run() throws Exception {
                var exchanger = new Exchanger<Box>();
                Part exchanges = () -> {
                    var box = new Box();
                    box.value = 1;
                    use(exchanger.exchange(box).value);
                };
                both(exchanges, exchanges);
            }
        },
        PHASER {
            @Override
            public void run() throws Exception {
                var values = new int[2];
                var phaser = new Phaser(2);
                both(
                        () -> {
                            values[0] = 1;
                            phaser.arriveAndAwaitAdvance();
                            use(values[1]);
                        },
                        () -> {
                            values[1] = 1;
                            phaser.arriveAndAwaitAdvance();
                            use(values[0]);
                        });
            }
        },
        PHASERS_IN_A_TREE {
            @Override
            public void run() throws Exception {
                var values = new int[2];
                var root = new Phaser();
                var left = new Phaser(root, 1);
                var right = new Phaser(root, 1);
                both(
                        () -> {
                            values[0] = 1;
                            left.arriveAndAwaitAdvance();
                            use(values[1]);
                        },
                        () -> {
                            values[1] = 1;
                            right.arriveAndAwaitAdvance();
                            use(values[0]);
                        });
            }
        },
        SUBMIT_AND_GET {
            @Override
            public void run() throws Exception {
                var box = new Box();
                box.value = 1;
                try (ExecutorService workers = virtualWorker();
                        ExecutorService others = virtualWorker()) {
                    Future<?> one = workers.submit(() -> box.value++);
                    one.get();
                    Future<Integer> two = others.submit(() -> box.value++);
                    use(two.get() + box.value);
                }
            }
        },
        TASKS_OF_ONE_WORKER {
            @Override
            public void run() throws Exception {
                var box = new Box();
                ExecutorService workers = virtualWorker();
                workers.execute(() -> box.value++);
                workers.execute(() -> box.value++);
                workers.close();
                use(box.value);
            }
        },
        GET_OF_WHAT_IS_DONE {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var done = new FutureTask<>(() -> box.value = 1);
                Thread runs = Thread.startVirtualThread(done);
                while (!done.isDone()) {
                    Thread.yield();
                }
                use(box.value);
                runs.join();
            }
        },
        A_THREAD_FOR_EACH_TASK {
            @Override
            public void run() throws Exception {
                var counts = new int[3];
                try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                    threads.submit(() -> counts[0]++);
                    threads.submit(() -> counts[1]++);
                    threads.invokeAll(List.of(() -> counts[2]++, () -> counts.length));
                }
                use(counts[0] + counts[1] + counts[2]);
            }
        },
        SCHEDULED {
            @Override
            public void run() throws Exception {
                var box = new Box();
                box.value = 1;
                try (ScheduledExecutorService timer =
                        Executors.newScheduledThreadPool(1, Thread.ofVirtual().factory())) {
                    use(timer.schedule(() -> box.value++, 1, TimeUnit.MICROSECONDS).get());
                    box.value++;
                }
            }
        },
        JOIN {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread writes = start(() -> box.value = 1);
                writes.join();
                use(box.value);
            }
        },
        JOIN_WITH_A_LIMIT {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread writes = start(() -> box.value = 1);
                if (writes.join(Duration.ofMillis(100))) {
                    use(box.value);
                }
                writes.join(1000);
                if (writes.getState() == Thread.State.TERMINATED) {
                    use(box.value);
                }
            }
        },
        ALIVE {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread writes = start(() -> box.value = 1);
                while (writes.isAlive()) {
                    Thread.yield();
                }
                use(box.value);
            }
        },
        PARKED {
            private volatile boolean said;

            @Override
            public void run() throws Exception {
                said = false;
                var box = new Box();
                Thread waits = start(() -> {
                    while (!said) {
                        LockSupport.park();
                    }
                    use(box.value);
                });
                box.value = 1;
                said = true;
                LockSupport.unpark(waits);
                waits.join();
            }
        },
        INTERRUPTED {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread waits = start(() -> {
                    while (!Thread.currentThread().isInterrupted()) {
                        Thread.yield();
                    }
                    use(box.value);
                });
                box.value = 1;
                waits.interrupt();
                waits.join();
            }
        },
        INTERRUPTED_BEFORE_IT_SLEEPS {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread sleeps = start(() -> {
                    try {
                        Thread.sleep(Duration.ofHours(1)); // which the interrupt ends
                    } catch (InterruptedException e) {
                        use(box.value);
                    }
                });
                box.value = 1;
                sleeps.interrupt();
                sleeps.join();
            }
        },
        /** The last memory point of the thread is where it cannot suspend. */
        ENDS_BELOW_A_CLASS_INITIALIZER {
            @Override
            public void run() throws Exception {
                var box = new Box();
                Thread ends = Thread.startVirtualThread(ClassInitializer.below(() -> box.value = 1));
                Thread.yield();
                ends.join();
                use(box.value);
            }
        },
        VAR_HANDLE {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var gate = new Gate();
                both(
                        () -> {
                            box.value = 1;
                            Gate.OPEN.setRelease(gate, 1);
                        },
                        () -> {
                            if ((int) Gate.OPEN.getAcquire(gate) == 1) {
                                use(box.value);
                            }
                        });
            }
        },
        FIELD_UPDATER {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var gate = new Gate();
                both(
                        () -> {
                            box.value = 1;
                            Gate.UPDATER.compareAndSet(gate, 0, 1);
                        },
                        () -> {
                            if (gate.opened == 1) {
                                use(box.value);
                            }
                        });
            }
        },
        FIELD_UPDATER_READS {
            @Override
            public void run() throws Exception {
                var box = new Box();
                var gate = new Gate();
                both(
                        () -> {
                            box.value = 1;
                            gate.opened = 1;
                        },
                        () -> {
                            if (Gate.UPDATER.get(gate) == 1) {
                                use(box.value);
                            }
                        });
            }
        },
        ELEMENTS_OF_ONE_ARRAY {
            @Override
            public void run() throws Exception {
                var counts = new int[2];
                both(() -> counts[0]++, () -> counts[1]++);
                use(counts[0] + counts[1]);
            }
        },
        CONFINED {
            @Override
            public void run() throws Exception {
                Part own = () -> {
                    var values = new long[4];
                    var all = new HashMap<Integer, Box>();
                    for (int i = 0; i < values.length; i++) {
                        values[i]++;
                        all.computeIfAbsent(i, _ -> new Box()).value++;
                    }
                };
                both(own, own);
            }
        },
        FIELDS_OF_THE_SAME_NAME {
            @Override
            public void run() throws Exception {
                class Shadow extends Box {
                    int value;
                }
                var shadow = new Shadow();
                Box same = shadow;
                both(() -> shadow.value = 1, () -> same.value = 2);
            }
        },
        THREAD_OF_A_THREAD {
            @Override
            public void run() throws Exception {
                var box = new Box();
                box.value = 1;
                start(() -> {
                    box.value++;
                    Thread inner = Thread.ofVirtual().unstarted(() -> box.value++);
                    box.value++;
                    inner.start();
                    inner.join();
                }).join();
                use(box.value);
            }
        },
        SUPPLIED {
            @Override
            public void run() throws Exception {
                var lock = new ReentrantLock();
                var box = new Box();
                Supplier<Integer> locks = () -> {
                    lock.lock();
                    try {
                        return box.value++;
                    } finally {
                        lock.unlock();
                    }
                };
                both(() -> use(locks.get()), () -> use(locks.get()));
            }
        },
        THROWN_OUT_OF_A_TASK {
            @Override
            public void run() throws Exception {
                var box = new Box();
                try (ExecutorService workers = virtualWorker()) {
                    Future<?> fails = workers.submit(() -> {
                        box.value = 1;
                        throw new IllegalStateException();
                    });
                    while (fails.state() == Future.State.RUNNING) {
                        Thread.yield();
                    }
                    use(box.value);
                }
            }
        }
    }

    private static void handOver(BlockingQueue<Box> queue) throws InterruptedException {
        both(
                () -> {
                    var box = new Box();
                    box.value = 7;
                    queue.put(box);
                },
                () -> use(queue.take().value));
    }

    private static void locked(ReentrantLock lock, Part part) throws Exception {
        lock.lock();
        try {
            part.run();
        } finally {
            lock.unlock();
        }
    }

    private static void use(int value) {
        if (value == Integer.MIN_VALUE) {
            throw new AssertionError("no body has such a value");
        }
    }

    private static final class Statics {
        static int plain;
        static int runs;
        static volatile boolean ready;
    }

    private static final class Holder {
        static final Box BOX = new Box();
        static final int[] ALL = new int[1];

        static {
            BOX.value = 7;
            ALL[0] = 7;
        }
    }

    private static final class Gate {
        static final VarHandle OPEN;
        static final AtomicIntegerFieldUpdater<Gate> UPDATER =
                AtomicIntegerFieldUpdater.newUpdater(Gate.class, "opened");

        static {
            try {
                OPEN = MethodHandles.lookup().findVarHandle(Gate.class, "open", int.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        int open;
        volatile int opened;
    }

    private static final class PlainLazy {
        private Box box;

        Box get() {
            if (box == null) {
                synchronized (this) {
                    if (box == null) {
                        box = new Box();
                    }
                }
            }
            return box;
        }
    }

    private static final class VolatileLazy {
        private volatile Box box;

        Box get() {
            Box known = box;
            if (known == null) {
                synchronized (this) {
                    known = box;
                    if (known == null) {
                        known = new Box();
                        known.value = 7;
                        box = known;
                    }
                }
            }
            return known;
        }
    }
}
