package dev.sennit.manager;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TaskFuture;
import dev.sennit.conformance.internal.Caller;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.WorkerCrashedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Workers of a pool as clients, some of which are killed. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
class ManagerProcessesIT {
    private final ManagerServer server = ManagerServer.builder().lease(Duration.ofMillis(500)).open();
    private final ManagerClient client = server.client();
    private final ProcessPool pool = ProcessPool.builder().workers(2).heap("64m").open();

    @AfterEach
    void close() {
        pool.shutdownNow();
        server.close();
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().pollInterval(Duration.ofMillis(5)).atMost(Duration.ofSeconds(60)).until(condition);
    }

    private static void kill(long pid) {
        ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    }

    @Test
    void workersShareWhatTheyCapture() throws Exception {
        ConcurrentMap<String, Integer> counts = client.newMap();
        List<Integer> order = client.newList();
        Set<Long> pids = client.newSet();
        ManagedLock lock = client.newLock();
        pool.map(
                i -> {
                    counts.merge("all", 1, Integer::sum);
                    pids.add(ProcessHandle.current().pid());
                    lock.lock();
                    try {
                        order.add(order.size());
                    } finally {
                        lock.unlock();
                    }
                    return i;
                },
                IntStream.range(0, 100).boxed().toList());
        assertThat(counts.get("all")).isEqualTo(100);
        assertThat(order).isEqualTo(IntStream.range(0, 100).boxed().toList());
        assertThat(pids).hasSize(2).doesNotContain(ProcessHandle.current().pid());
        assertThat(server.clients()).as("one connection a worker, and this JVM's").isEqualTo(3);
    }

    @Test
    void aProxyThatComesHomeIsTheSameObject() throws Exception {
        List<String> list = client.newList();
        assertThat(pool.submit(() -> list).get(60, SECONDS)).isEqualTo(list);
        pool.submit(() -> list.add("x")).get(60, SECONDS);
        assertThat(list).containsExactly("x");
        ManagerAddress address = server.address();
        List<String> fromThere = pool.submit(() -> {
            try (ManagerClient own = ManagerClient.connect(address)) {
                List<String> newList = own.newList();
                newList.add("made there");
                return newList;
            }
        }).get(60, SECONDS);
        assertThat(fromThere).as("the lease keeps it while it is on its way").containsExactly("made there");
    }

    @Test
    void aQueueFeedsWorkersUntilItIsClosed() throws Exception {
        ManagedQueue<Integer> jobs = client.newQueue(5);
        ManagedQueue<Integer> results = client.newQueue(1000);
        List<TaskFuture<?>> workers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            workers.add(pool.submit(() -> {
                try {
                    while (true) {
                        int job = jobs.take();
                        results.put(job * job);
                        jobs.taskDone();
                    }
                } catch (dev.sennit.QueueClosedException e) {
                    return "closed";
                }
            }));
        }
        for (int i = 0; i < 200; i++) {
            jobs.put(i);
        }
        jobs.join();
        jobs.shutdown();
        for (TaskFuture<?> worker : workers) {
            assertThat(worker.get(60, SECONDS)).isEqualTo("closed");
        }
        Set<Integer> all = new HashSet<>();
        assertThat(results.drainTo(all)).isEqualTo(200);
        assertThat(all).hasSize(200).contains(199 * 199);
    }

    @Test
    void cancellingATaskThatTakesLosesNothing() throws Exception {
        ManagedQueue<Integer> queue = client.newQueue(10);
        ManagedEvent begun = client.newEvent();
        ManagedEvent interrupted = client.newEvent();
        // a worker that is killed, as the interrupted task takes too long, could not tell that it was interrupted
        try (ProcessPool patient = ProcessPool.builder().workers(1).heap("64m").grace(Duration.ofMinutes(1)).open()) {
            TaskFuture<Integer> taker = patient.submit(() -> {
                try {
                    begun.set();
                    return queue.take();
                } catch (InterruptedException e) {
                    interrupted.set();
                    throw e;
                }
            });
            begun.await();
            taker.cancel(true);
            assertThat(interrupted.await(Duration.ofSeconds(60))).isTrue();
            queue.put(1);
            assertThat(patient.submit(() -> queue.take()).get(60, SECONDS)).isEqualTo(1);
        }
        assertThat(queue).isEmpty();
    }

    @Test
    void aKilledClientLetsGoOfEverything() throws Exception {
        ManagedLock lock = client.lock("lock");
        ManagedBoundedSemaphore seats = client.boundedSemaphore("seats", 1);
        ManagedQueue<Integer> queue = client.queue("queue", 10);
        ManagedValue<Long> pid = client.newValue();
        ManagedBarrier barrier = client.newBarrier(2);
        int before = server.objects();
        ManagerAddress address = server.address();
        TaskFuture<?> doomed = pool.submit((dev.sennit.Task<Integer>) () -> {
            ManagerClient own = ManagerClient.connect(address);
            own.newList().add(1);
            own.newMap();
            own.lock("lock").lock();
            own.boundedSemaphore("seats", 1).acquire();
            Thread.startVirtualThread(() -> {
                try {
                    barrier.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            pid.set(ProcessHandle.current().pid());
            return own.<Integer>queue("queue", 10).take();
        });
        await(() -> pid.get() != null && barrier.waiting() == 1 && server.objects() == before + 2);
        assertThat(lock.tryLock()).isFalse();
        var waiter = Caller.of(() -> {
            lock.lock();
            return lock.isAbandoned();
        });
        waiter.awaitWaitingIn("lock");
        kill(Objects.requireNonNull(pid.get()));
        assertThat(waiter.result()).as("the next holder is told").isTrue();
        assertThat(seats.tryAcquire(Duration.ofSeconds(60))).isTrue();
        await(barrier::isBroken);
        assertThatThrownBy(() -> doomed.get(60, SECONDS)).isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(WorkerCrashedException.class);
        queue.put(7);
        assertThat(queue.poll(60, SECONDS)).as("not swallowed by the dead one's take").isEqualTo(7);
        await(() -> server.objects() == before);
    }

    /** Elements that come while takers die: what nobody got before its end is still there. */
    @Test
    void elementsGoToTheLivingOnly() throws Exception {
        ManagedQueue<Integer> queue = client.newQueue(100);
        for (int round = 0; round < 5; round++) {
            ManagedValue<Long> pid = client.newValue();
            TaskFuture<?> doomed = pool.submit(() -> {
                pid.set(ProcessHandle.current().pid());
                return queue.take();
            });
            await(() -> pid.get() != null);
            kill(Objects.requireNonNull(pid.get()));
            assertThatThrownBy(() -> doomed.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class);
            queue.put(round); // its take must not get it, whether the server knows already that it is dead or not
            assertThat(queue.poll(60, SECONDS)).isEqualTo(round);
        }
    }

    static final class Held {
        static ManagerServer server = null;
    }

    @Test
    void whenTheServersProcessIsKilledEverybodyHears() throws Exception {
        record Hosted(long pid, ManagerAddress address) implements java.io.Serializable {}
        Hosted hosted = pool.submit(() -> {
            Held.server = ManagerServer.local();
            return new Hosted(ProcessHandle.current().pid(), Held.server.address());
        }).get(60, SECONDS);
        Path folder = Objects.requireNonNull(Path.of(Objects.requireNonNull(hosted.address().socket())).getParent());
        try (ManagerClient there = ManagerClient.connect(hosted.address())) {
            ManagedQueue<Integer> queue = there.newQueue(1);
            List<Integer> list = there.newList();
            var taker = Caller.of(queue::take);
            taker.awaitWaitingIn("take");
            kill(hosted.pid());
            assertThat(taker.failure())
                    .isInstanceOf(ManagerLostException.class)
                    .hasMessageContaining("the manager at " + folder)
                    .hasMessageContaining("ended");
            assertThatThrownBy(() -> list.add(1)).isInstanceOf(ManagerLostException.class);
            await(() -> !Files.exists(folder));
        }
        assertThatThrownBy(() -> ManagerClient.connect(hosted.address())).isInstanceOf(ManagerLostException.class);
    }

    @Test
    void aSweepRemovesWhatAKilledServerLeft() throws Exception {
        record Hosted(long pid, ManagerAddress address) implements java.io.Serializable {}
        Hosted hosted = pool.submit(() -> {
            Held.server = ManagerServer.local();
            return new Hosted(ProcessHandle.current().pid(), Held.server.address());
        }).get(60, SECONDS);
        Path folder = Objects.requireNonNull(Path.of(Objects.requireNonNull(hosted.address().socket())).getParent());
        ProcessHandle process = ProcessHandle.of(hosted.pid()).orElseThrow();
        process.destroyForcibly();
        process.onExit().get(60, SECONDS);
        assertThat(folder).as("nobody was there to remove it").exists();
        MeetingFolder.removeOfTheDead(Objects.requireNonNull(folder.getParent()), Files.getOwner(folder));
        assertThat(folder).doesNotExist();
        assertThat(client.newList()).as("a living one is left alone").isEmpty();
        assertThat(Path.of(Objects.requireNonNull(server.address().socket()))).exists();
    }
}
