package dev.sennit.loop;

import static dev.sennit.loop.WaitingMethods.waiting;
import static dev.sennit.loop.WaitingMethods.waits;
import static dev.sennit.loop.WaitingMethods.waitsWithin;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Backoff;
import dev.sennit.BoundedSemaphore;
import dev.sennit.Event;
import dev.sennit.Futures;
import dev.sennit.JoinableQueue;
import dev.sennit.PeriodicWorker;
import dev.sennit.Pipeline;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.Schedule;
import dev.sennit.TaskFuture;
import dev.sennit.TaskScope;
import dev.sennit.TimeSource;
import dev.sennit.Until;
import dev.sennit.loop.WaitingMethods.Entry;
import dev.sennit.loop.WaitingMethods.Part;
import dev.sennit.observe.TaskEvents;
import dev.sennit.process.WaitsIT;
import dev.sennit.service.ServiceWaitsIT;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.time.Instant;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * While a coroutine waits in a method of the library, others have their turn, also without the private hook; and a wait
 * without a limit has none. Those that need sockets or processes are in {@link WaitsIT} and {@link ServiceWaitsIT}.
 */
class WaitsTest {
    private static final Duration DAY = Duration.ofDays(1);

    /** A pool with one busy worker and no room, and a task that goes on until the test ends. */
    private static Pool busy(Deque<Part> atEnd) {
        var end = new CountDownLatch(1);
        Pool pool = Pools.open("threads:1?backlog=0");
        pool.submit(() -> {
            end.await();
            return 1;
        });
        atEnd.addLast(end::countDown);
        atEnd.addLast(pool::close);
        return pool;
    }

    /** A future that nobody ends before the test does. */
    private static TaskFuture<Integer> pending(Deque<Part> atEnd) {
        var end = new CountDownLatch(1);
        Pool pool = Pools.open("threads:1");
        atEnd.addLast(end::countDown);
        atEnd.addLast(pool::close);
        return pool.submit(() -> {
            end.await();
            return 1;
        });
    }

    private static List<Callable<Integer>> endless(Deque<Part> atEnd) {
        var end = new CountDownLatch(1);
        atEnd.addFirst(end::countDown);
        return List.of(() -> {
            end.await();
            return 1;
        });
    }

    private static Pool idle(Deque<Part> atEnd) {
        Pool pool = Pools.open("threads:1");
        atEnd.addLast(pool::close);
        return pool;
    }

    private static JoinableQueue<Integer> full() {
        var queue = JoinableQueue.<Integer>fifo(1);
        queue.add(1);
        return queue;
    }

    private static Channel<Integer> fullChannel() {
        var channel = new Channel<Integer>(1);
        channel.trySend(1);
        return channel;
    }

    private static BoundedSemaphore taken() {
        var semaphore = new BoundedSemaphore(1);
        semaphore.tryAcquire();
        return semaphore;
    }

    /** One whose handler is busy and whose mailbox is full. */
    private static Actor<Object> busyActor(Deque<Part> atEnd) throws InterruptedException {
        Actor<Object> actor = Actor.<Object>builder(message -> new CountDownLatch(1).await()).mailbox(1).start();
        atEnd.addLast(actor::stop);
        actor.tell("is handled");
        actor.tell("or this one, while the other one waits");
        while (!actor.toString().contains("1 of 1")) {
            EventLoop.yieldNow();
        }
        return actor;
    }

    private static VirtualClock clock() {
        return VirtualClock.standing(Instant.EPOCH);
    }

    static Stream<Entry> all() {
        return Stream.of(
                waitsWithin("AbstractPool.awaitTermination(long, TimeUnit)", atEnd -> {
                    Pool pool = idle(atEnd);
                    return () -> pool.awaitTermination(1, TimeUnit.DAYS);
                }),
                waits("AbstractPool.invokeAll(Collection)", atEnd -> {
                    Pool pool = idle(atEnd);
                    var tasks = endless(atEnd);
                    return () -> pool.invokeAll(tasks);
                }),
                waitsWithin("AbstractPool.invokeAll(Collection, long, TimeUnit)", atEnd -> {
                    Pool pool = idle(atEnd);
                    var tasks = endless(atEnd);
                    return () -> pool.invokeAll(tasks, 1, TimeUnit.DAYS);
                }),
                waits("AbstractPool.invokeAny(Collection)", atEnd -> {
                    Pool pool = idle(atEnd);
                    var tasks = endless(atEnd);
                    return () -> pool.invokeAny(tasks);
                }),
                waitsWithin("AbstractPool.invokeAny(Collection, long, TimeUnit)", atEnd -> {
                    Pool pool = idle(atEnd);
                    var tasks = endless(atEnd);
                    return () -> pool.invokeAny(tasks, 1, TimeUnit.DAYS);
                }),
                waitsWithin("TaskEvents.next(Duration)", atEnd -> {
                    TaskEvents events = TaskEvents.open();
                    atEnd.addLast(events::close);
                    return () -> {
                        while (events.next(DAY).isPresent()) {
                            // the task of the test makes some itself
                        }
                    };
                }),
                waitsWithin("TaskEvents.Listening.awaitTold(Duration)", atEnd -> {
                    var end = new CountDownLatch(1);
                    TaskEvents.Listening listening = TaskEvents.listen(event -> end.await());
                    atEnd.addLast(end::countDown);
                    atEnd.addLast(listening::close);
                    Pools.open("inline").submit(() -> 1);
                    return () -> listening.awaitTold(DAY);
                }),
                waits("Pool.submit, of one that is full", atEnd -> {
                    Pool pool = busy(atEnd);
                    return () -> pool.submit(() -> 1);
                }),
                waitsWithin("AbstractPool.submitAfter(Duration, Task)", atEnd -> {
                    Pool pool = Pools.open("inline");
                    return () -> pool.submitAfter(DAY, () -> 1);
                }),
                waitsWithin("AbstractPool.submitAfter(Duration, Task, TaskOptions)", atEnd -> {
                    Pool pool = Pools.open("inline");
                    return () -> pool.submitAfter(DAY, () -> 1, dev.sennit.TaskOptions.NONE);
                }),
                waits("Pool.map", atEnd -> {
                    Pool pool = idle(atEnd);
                    var end = new CountDownLatch(1);
                    atEnd.addFirst(end::countDown);
                    return () -> pool.map(n -> {
                        end.await();
                        return n;
                    }, List.of(1));
                }),
                waits("Pool.close", atEnd -> {
                    var end = new CountDownLatch(1);
                    atEnd.addFirst(end::countDown);
                    Pool pool = Pools.open("threads:1");
                    pool.execute(() -> uninterruptibly(end)); // a cancelled close stops it otherwise
                    return pool::close;
                }),
                waiting("BoundedSemaphore.acquire()", taken()::acquire),
                waitsWithin("BoundedSemaphore.tryAcquire(Duration)", atEnd -> () -> taken().tryAcquire(DAY)),
                waiting("Event.await()", new Event()::await),
                waitsWithin("Event.await(Duration)", atEnd -> () -> new Event().await(DAY)),
                waits("JoinableQueue.take()", atEnd -> JoinableQueue.fifo(1)::take),
                waitsWithin("JoinableQueue.poll(long, TimeUnit)",
                        atEnd -> () -> JoinableQueue.fifo(1).poll(1, TimeUnit.DAYS)),
                waiting("JoinableQueue.put(Object)", () -> full().put(2)),
                waitsWithin("JoinableQueue.offer(Object, long, TimeUnit)",
                        atEnd -> () -> full().offer(2, 1, TimeUnit.DAYS)),
                waiting("JoinableQueue.join()", () -> full().join()),
                waitsWithin("JoinableQueue.join(Duration)", atEnd -> () -> full().join(DAY)),
                waits("Futures.wait(Collection, Until)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> Futures.wait(List.of(future), Until.ALL);
                }),
                waitsWithin("Futures.wait(Collection, Until, Duration)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> Futures.wait(List.of(future), Until.ALL, DAY);
                }),
                waits("Futures.gather(Collection)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> Futures.gather(List.of(future));
                }),
                waitsWithin("Futures.gather(Collection, Duration)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> Futures.gather(List.of(future), DAY);
                }),
                waits("Futures.outcomes(Collection)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> Futures.outcomes(List.of(future));
                }),
                waits("Futures.inCompletionOrder", atEnd -> {
                    var future = pending(atEnd);
                    return () -> Futures.inCompletionOrder(List.of(future)).iterator().next();
                }),
                waitsWithin("Futures.inCompletionOrder(Collection, Duration)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> Futures.inCompletionOrder(List.of(future), DAY).iterator().next();
                }),
                waitsWithin("PeriodicWorker.awaitStopped(Duration)", atEnd -> {
                    PeriodicWorker worker = PeriodicWorker.builder().open();
                    atEnd.addLast(worker::close);
                    worker.add("rare", Schedule.fixedRate(DAY), () -> {});
                    worker.start();
                    return () -> worker.awaitStopped(DAY);
                }),
                waitsWithin("Retry.call(Body)",
                        atEnd -> () -> Retry.attempts(2).waiting(Backoff.fixed(DAY)).call(() -> {
                            throw new IllegalStateException("to be tried again");
                        })),
                waitsWithin("Retry.run(Block)", atEnd -> () -> Retry.attempts(2).waiting(Backoff.fixed(DAY)).run(() -> {
                    throw new IllegalStateException("to be tried again");
                })),
                waitsWithin("TimeSource.SystemTime.sleep(Duration)", atEnd -> () -> TimeSource.system().sleep(DAY)),
                waits("TaskFuture.awaitEnd()", atEnd -> pending(atEnd)::awaitEnd),
                waitsWithin("TaskFuture.awaitEnd(long, TimeUnit)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> future.awaitEnd(1, TimeUnit.DAYS);
                }),
                waits("TaskFuture.get()", atEnd -> pending(atEnd)::get),
                waitsWithin("TaskFuture.get(long, TimeUnit)", atEnd -> {
                    var future = pending(atEnd);
                    return () -> future.get(1, TimeUnit.DAYS);
                }),
                waits("TaskFuture.join", atEnd -> pending(atEnd)::join),
                waits("a future that was made from a TaskFuture", atEnd -> pending(atEnd).thenApply(n -> n)::get),
                waits("TaskScope.join()", atEnd -> {
                    Pool pool = idle(atEnd);
                    var end = new CountDownLatch(1);
                    atEnd.addFirst(end::countDown);
                    return () -> {
                        try (var scope = TaskScope.open(pool)) {
                            scope.fork(() -> {
                                end.await();
                                return 1;
                            });
                            scope.join();
                        }
                    };
                }),
                waits("TaskScope.close", atEnd -> {
                    Pool pool = idle(atEnd);
                    var end = new CountDownLatch(1);
                    atEnd.addFirst(end::countDown);
                    var scope = TaskScope.open(pool);
                    var began = new CountDownLatch(1);
                    scope.fork(() -> {
                        began.countDown();
                        uninterruptibly(end);
                        return 1;
                    });
                    EventLoop.suspending(() -> {
                        began.await();
                        return 1;
                    });
                    return scope::close;
                }),
                waits("Pipeline.run", atEnd -> {
                    Pool pool = idle(atEnd);
                    var end = new CountDownLatch(1);
                    atEnd.addFirst(end::countDown);
                    return () -> Pipeline.from(List.of(1))
                            .through("waits", pool, n -> {
                                end.await();
                                return n;
                            })
                            .run(n -> {});
                }),
                waits("Actor.tell(Object)", atEnd -> {
                    Actor<Object> actor = busyActor(atEnd);
                    return () -> actor.tell("too much");
                }),
                waits("Actor.ask(Function)", atEnd -> {
                    Actor<Object> actor = busyActor(atEnd);
                    return () -> actor.ask(reply -> "too much");
                }),
                waits("the future of Actor.ask", atEnd -> {
                    Actor<CompletableFuture<Integer>> actor = Actor.start(message -> new CountDownLatch(1).await());
                    atEnd.addLast(actor::stop);
                    return actor.<Integer>ask(reply -> reply)::get;
                }),
                waits("the future of Actor.ended", atEnd -> busyActor(atEnd).ended()::get),
                waits("Actor.close", atEnd -> busyActor(atEnd)::close),
                waiting("Channel.receive()", new Channel<Integer>(1)::receive),
                waitsWithin("Channel.receive(Duration)", atEnd -> () -> new Channel<Integer>(1).receive(DAY)),
                waiting("Channel.iterator", () -> new Channel<Integer>(1).iterator().next()),
                waiting("Channel.send(Object)", () -> fullChannel().send(2)),
                waitsWithin("Channel.send(Object, Duration)", atEnd -> () -> fullChannel().send(2, DAY)),
                waiting("Select.from(Clause[])", () -> Select.from(new Channel<Integer>(1).receiving(n -> n))),
                waiting("Select.from(List)", () -> Select.from(List.of(new Channel<Integer>(1).receiving(n -> n)))),
                waitsWithin("EventLoop.sleep(Duration)", atEnd -> () -> EventLoop.sleep(DAY)),
                waiting("EventLoop.suspending", () -> EventLoop.suspending(() -> {
                    new CountDownLatch(1).await();
                    return 1;
                })),
                waiting("VirtualClock.sleep(Duration)", () -> clock().sleep(DAY)),
                waitsWithin("VirtualClock.awaitSleepers(int, Duration)", atEnd -> () -> clock().awaitSleepers(1, DAY)));
    }

    private static void uninterruptibly(CountDownLatch end) {
        while (true) {
            try {
                end.await();
                return;
            } catch (InterruptedException e) {
                // it goes on until it is let go
            }
        }
    }

    /** Those that only look as if they waited. */
    private static final Set<String> NONE = Set.of(
            // settings and values
            "Backoff.atMost(Duration)",
            "Backoff.exponential(Duration)",
            "Backoff.exponential(Duration, double)",
            "Backoff.fixed(Duration)",
            "Backoff.incrementing(Duration, Duration)",
            "Backoff.plusJitter(Duration)",
            "ScheduleExplorer.realTime(Duration)",
            // called by classes with memory points, in place of the JDK's
            "SpuriousWaits.await(Condition)",
            "SpuriousWaits.await(Condition, long, TimeUnit)",
            "SpuriousWaits.awaitNanos(Condition, long)",
            "SpuriousWaits.awaitUntil(Condition, Date)",
            "SpuriousWaits.waitOn(Object)",
            "SpuriousWaits.waitOn(Object, long)",
            "SpuriousWaits.waitOn(Object, long, int)",
            "Backoff.random(Duration, Duration)",
            "ByteStream.setReadTimeout(Duration)",
            "ByteStream.setWriteTimeout(Duration)",
            "CancelScope.within(Duration)",
            "DurationHistogram.record(Duration)",
            "EventLoop.Builder.reportDeadlocks(Duration)",
            "EventLoop.Builder.reportDeadlocks(Duration, Consumer)",
            "FaultProxy.Builder.delay(double, Duration)",
            "FaultProxy.Builder.standStill(double, Duration)",
            "EventLoop.Builder.watch(Duration)",
            "EventLoop.Builder.watch(Duration, Consumer)",
            "ManagerServer.Builder.lease(Duration)",
            "Pipeline.onProgress(Duration, Consumer)",
            "ProcessPool.Builder.grace(Duration)",
            "ProcessPool.Builder.idle(Duration)",
            "ProcessPool.Builder.maxAge(Duration)",
            "Schedule.afterEnd(Duration)",
            "Schedule.afterStart(Duration)",
            "Schedule.aligned(Duration)",
            "Schedule.fixedRate(Duration)",
            "Schedule.Due.in(Duration)",
            "Select.after(Duration, Supplier)",
            "ServiceSettings.Builder.deaths(int, Duration, Escalation)",
            "ServiceSettings.Builder.heartbeatLimit(Duration)",
            "ServiceSettings.Builder.maxAge(Duration)",
            "ServiceSettings.Builder.orphanLimit(Duration)",
            "ServiceSettings.Builder.startLimit(Duration)",
            "ServiceSettings.Builder.stopLimit(Duration)",
            "Stop.afterTime(Duration)",
            "Stop.beforeTime(Duration)",
            "Stop.stops(Attempt, Duration, Duration)",
            "TaskOptions.timeLimit(Duration)",
            "TaskOptions.timeout(Duration)",
            "TaskScope.within(Duration)",
            "ThreadPool.Builder.idle(Duration)",
            // it begins something
            "EventLoop.after(Duration, Action)",
            "EventLoop.after(Duration, Runnable)",
            "Pool.submitAfter(Duration, Action)",
            "Pool.submitAfter(Duration, Action, TaskOptions)",
            "Pool.submitAfter(Duration, Callable)",
            "Pool.submitAfter(Duration, Callable, TaskOptions)",
            "Pool.submitAfter(Duration, Runnable)",
            "Pool.submitAfter(Duration, Runnable, TaskOptions)",
            // as long as the disk or the name server takes, off the loop: no test can hold them up
            "DatagramEndpoint.connect(String, int)",
            "DatagramEndpoint.send(byte[])",
            "DatagramEndpoint.send(byte[], InetSocketAddress)",
            "DatagramEndpoint.setReceiveTimeout(Duration)",
            "DatagramEndpoint.setSendTimeout(Duration)",
            "FileStream.Visitor.visit(Path, BasicFileAttributes)",
            "FileStream.force(boolean)",
            "FileStream.open(Path, OpenOption[])",
            "FileStream.position()",
            "FileStream.position(long)",
            "FileStream.readAllBytes(Path, int)",
            "FileStream.readString(Path, int)",
            "FileStream.size()",
            "FileStream.truncate(long)",
            "FileStream.walk(Path, int, Visitor)",
            "FileStream.write(ByteBuffer)",
            "FileStream.writeAllBytes(Path, byte[], OpenOption[])",
            "FileStream.writeString(Path, String, OpenOption[])",
            "Subprocess.signal(String)",
            "Subprocess.signal(int)",
            "Subprocess.start(ProcessBuilder)", // which takes some milliseconds, off the loop
            "VirtualClock.advance(Duration)",
            "WorkerProcess.Builder.orphanLimit(Duration)",
            "WorkerProcess.stop(Duration)",
            // what implements them is here: AbstractPool, SystemTime and VirtualClock
            "Pool.invokeAll(Collection)",
            "Pool.submitAfter(Duration, Task)",
            "Pool.submitAfter(Duration, Task, TaskOptions)",
            "TimeSource.sleep(Duration)");

    @Test
    void everyMethodThatSaysItWaitsIsKnown() throws Exception {
        Set<String> known = new TreeSet<>(NONE);
        Stream.of(all(), WaitsIT.all(), ServiceWaitsIT.all())
                .flatMap(one -> one.map(Entry::method))
                .forEach(known::add);
        Set<String> saying = WaitingMethods.saying();
        assertThat(known)
                .as("a public method that says it waits is to be in a list of this test, WaitsIT or ServiceWaitsIT")
                .containsAll(saying);
        assertThat(saying).as("settings that are no more").containsAll(NONE);
    }

    @ParameterizedTest
    @MethodSource("all")
    void onALoopThatFallsBack(Entry entry) throws Exception {
        WaitingMethods.checkThatOthersHaveTheirTurn(
                entry, EventLoop.builder().mechanism(EventLoop.Mechanism.BATON).open(), () -> {});
    }

    @ParameterizedTest
    @MethodSource("all")
    void onALoopWithItsOwnScheduler(Entry entry) throws Exception {
        WaitingMethods.checkThatOthersHaveTheirTurn(
                entry, EventLoop.builder().mechanism(EventLoop.Mechanism.SCHEDULER).open(), () -> {});
    }

    static Stream<Entry> withoutALimit() {
        return all().filter(entry -> !entry.limited());
    }

    @ParameterizedTest
    @MethodSource("withoutALimit")
    void aLoopThatIsStuckInItIsReported(Entry entry) throws Exception {
        var reported = new CountDownLatch(1);
        EventLoop loop = EventLoop.builder()
                .mechanism(EventLoop.Mechanism.SCHEDULER)
                .reportDeadlocks(Duration.ofMillis(1), report -> reported.countDown())
                .open();
        WaitingMethods.checkThatOthersHaveTheirTurn(
                entry, loop, () -> assertThat(reported.await(20, TimeUnit.SECONDS)).isTrue());
    }
}
