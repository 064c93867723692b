package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Leases under a clock that stands: workers that are too slow, and brokers that are away. */
@Timeout(60)
class QueueWorkerLeasesTest {
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final MemoryBroker broker = new MemoryBroker(clock);
    private final FaultyBroker faulty = new FaultyBroker(broker, 1);
    private final TaskQueue queue = TaskQueue.over(broker);
    private final ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    private final Semaphore begun = new Semaphore(0);
    private final CountDownLatch end = new CountDownLatch(1);
    private final TaskType<String, Integer> waits = TaskType.of("waits", String.class, (text, run) -> {
        begun.release();
        try {
            end.await();
            return run.attempt();
        } catch (InterruptedException e) {
            seen.add("interrupted " + run.attempt());
            throw e;
        }
    });

    @AfterEach
    void close() {
        queue.close();
        broker.close();
    }

    private QueueWorker.Builder worker() {
        return QueueWorker.builder(faulty.broker()).types(waits).on("threads:2").providers(null).seed(1).time(clock)
                .lease(LEASE).drainLimit(Duration.ofSeconds(10));
    }

    private TaskView find(String id) {
        return broker.find(id).orElseThrow();
    }

    /** Closes a worker whose clock stands. */
    private void end(QueueWorker worker) {
        var ended = worker.drain();
        Waiting.until(() -> {
            clock.advance(Duration.ofMillis(200));
            return ended.isDone();
        });
    }

    private Claim claimElsewhere() {
        return broker.claim(new ClaimRequest("other", List.of("default"), Set.of("waits"), 1, LEASE)).claims()
                .getFirst();
    }

    @Test
    void areRenewedWhileTheTaskRuns() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        QueueWorker worker = worker().start();
        begun.acquire();
        for (int i = 0; i < 20; i++) {
            assertThat(clock.awaitSleepers(4, Duration.ofSeconds(30))).isTrue();
            clock.advance(Duration.ofSeconds(10));
        }
        assertThat(clock.awaitSleepers(4, Duration.ofSeconds(30))).isTrue();
        assertThat(broker.upkeep(Upkeep.Limits.USUAL).takenBack()).isZero();
        end.countDown();
        Waiting.until(() -> find(id).state() == TaskState.SUCCEEDED);
        assertThat(find(id).attempts()).isEqualTo(1);
        end(worker);
    }

    @Test
    void areLostByWorkersThatStandStillWhoseResultIsRefused() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        var extendGoesOn = new CountDownLatch(1);
        faulty.before("extend", () -> await(extendGoesOn));
        QueueWorker worker = worker().places(1).start();
        begun.acquire();
        worker.quiet(); // it does not claim the task again
        clock.advance(LEASE.plusSeconds(1));
        Waiting.until(() -> {
            broker.upkeep(Upkeep.Limits.USUAL); // by another worker, or its own
            return find(id).state() == TaskState.READY;
        });
        assertThat(find(id).crashes()).isEqualTo(1);
        Claim second = claimElsewhere();
        assertThat(second.token().attempt()).isEqualTo(2);
        end.countDown();
        Waiting.until(() -> worker.status().refused() == 1);
        assertThat(find(id).state()).isEqualTo(TaskState.RUNNING);
        assertThat(broker.complete(List.of(new Completion(second.token(), "7".getBytes(), Batch.EMPTY))))
                .containsExactly(true);
        extendGoesOn.countDown();
        end(worker);
        assertThat(broker.ended(List.of(id)).getFirst().result()).isEqualTo("7".getBytes());
        assertThat(worker.status().succeeded()).isZero();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void stopTheRunWhenTheyAreLost() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        var first = new AtomicBoolean(true);
        var taken = new ConcurrentLinkedQueue<Claim>();
        faulty.before("extend", () -> {
            if (first.getAndSet(false)) { // meanwhile somebody else takes the task
                broker.fail(List.of(new Failure(new Token(id, 1), new ErrorInfo("test", "lost", ""),
                        new Failure.GiveBack())));
                taken.add(claimElsewhere());
            }
        });
        faulty.before("upkeep", () -> {});
        QueueWorker worker = worker().places(1).start();
        begun.acquire();
        assertThat(clock.awaitSleepers(4, Duration.ofSeconds(30))).isTrue();
        clock.advance(Duration.ofSeconds(10));
        Waiting.until(() -> seen.contains("interrupted 1"));
        Waiting.until(() -> worker.status().runs().isEmpty());
        assertThat(worker.status().refused()).isEqualTo(1);
        assertThat(worker.status().failed() + worker.status().givenBack() + worker.status().cancelled()).isZero();
        assertThat(find(id).state()).isEqualTo(TaskState.RUNNING);
        assertThat(find(id).worker()).isEqualTo("other");
        end(worker);
    }

    @Test
    void endByTheWorkersClockWhileTheBrokerIsAway() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        QueueWorker worker = worker().start();
        begun.acquire();
        faulty.isAway = true;
        Waiting.until(() -> {
            clock.advance(Duration.ofSeconds(1));
            return seen.contains("interrupted 1");
        });
        assertThat(clock.now()).isAfterOrEqualTo(VirtualClock.START.plus(LEASE));
        Waiting.until(() -> {
            clock.advance(Duration.ofSeconds(1));
            return !worker.status().isHealthy();
        });
        assertThat(worker.status().problems().getFirst()).contains("has not answered for");
        faulty.isAway = false;
        end.countDown();
        Waiting.until(() -> {
            clock.advance(Duration.ofSeconds(1));
            return find(id).state() == TaskState.SUCCEEDED;
        });
        assertThat(find(id).failures()).isZero();
        assertThat(worker.status().isHealthy()).isTrue();
        end(worker);
    }

    @Test
    void endByTheWorkersClockWhileARenewalHangs() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        QueueWorker worker = worker().start();
        begun.acquire();
        CountDownLatch goesOn = new CountDownLatch(1);
        faulty.before("extend", () -> await(goesOn));
        Waiting.until(() -> {
            clock.advance(Duration.ofSeconds(1));
            return seen.contains("interrupted 1");
        });
        assertThat(clock.now()).isAfterOrEqualTo(VirtualClock.START.plus(LEASE));
        Waiting.until(() -> {
            clock.advance(Duration.ofSeconds(1));
            return !worker.status().isHealthy();
        });
        assertThat(worker.status().problems().getFirst()).contains("has not answered for");
        goesOn.countDown();
        end.countDown();
        Waiting.until(() -> {
            clock.advance(Duration.ofMillis(200));
            return find(id).state() == TaskState.SUCCEEDED && worker.status().isHealthy();
        });
        end(worker);
    }

    @Test
    void ofLostWorkersEndWithinASecond() throws InterruptedException {
        queue.enqueue(waits, "");
        claimElsewhere(); // by one that is never heard of again
        clock.advance(Duration.ofSeconds(5));
        QueueWorker worker = worker().start();
        for (Duration step : List.of(Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofMillis(5500))) {
            assertThat(clock.awaitSleepers(4, Duration.ofSeconds(30))).isTrue();
            assertThat(begun.availablePermits()).isZero();
            clock.advance(step);
        }
        assertThat(begun.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        end.countDown();
        end(worker);
    }

    @Test
    void mayBeLongAndTheWorkerIsHeardOfNevertheless() throws InterruptedException {
        var reports = new Semaphore(0);
        faulty.before("report", reports::release);
        QueueWorker worker = worker().lease(Duration.ofHours(1)).start();
        reports.acquire();
        for (int i = 0; i < 3; i++) {
            assertThat(clock.awaitSleepers(4, Duration.ofSeconds(30))).isTrue();
            clock.advance(Duration.ofSeconds(10));
            assertThat(reports.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        }
        end(worker);
    }

    @Test
    void ofTasksThatMayRunOnceBeginWithTheRun() throws InterruptedException {
        TaskType<String, Integer> shorts = TaskType.of("short", String.class, String::length);
        queue.enqueueAll(shorts, Collections.nCopies(100, "a"), SubmitOptions.NONE);
        QueueWorker worker = worker().types(shorts, waits).places(1).start();
        Waiting.until(() -> worker.status().succeeded() == 100); // now it claims ahead
        queue.enqueueAll(waits, Collections.nCopies(20, "a"), SubmitOptions.NONE.once());
        begun.acquire();
        Waiting.until(() -> broker.search(TaskFilter.ALL.state(TaskState.READY), 100).size() == 19);
        assertThat(worker.status().ahead()).isZero();
        end.countDown();
        Waiting.until(() -> {
            clock.advance(Duration.ofSeconds(1));
            return worker.status().succeeded() == 120;
        });
        end(worker);
    }

    @Test
    void keepsResultsUntilTheBrokerIsBack() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        QueueWorker worker = worker().start();
        begun.acquire();
        faulty.isAway = true;
        end.countDown();
        Waiting.until(() -> worker.status().untold() == 1);
        for (int i = 0; i < 10; i++) {
            clock.advance(Duration.ofSeconds(1));
        }
        assertThat(find(id).state()).isEqualTo(TaskState.RUNNING);
        faulty.isAway = false;
        Waiting.until(() -> {
            clock.advance(Duration.ofSeconds(1));
            return find(id).state() == TaskState.SUCCEEDED;
        });
        assertThat(find(id).attempts()).isEqualTo(1);
        Waiting.until(() -> worker.status().succeeded() == 1);
        end(worker);
    }

    @Test
    void closesWhileTheBrokerIsAway() throws InterruptedException {
        String id = queue.enqueue(waits, "");
        QueueWorker worker = worker().grace(Duration.ZERO).start();
        begun.acquire();
        faulty.isAway = true;
        end(worker);
        assertThat(worker.status().state()).isEqualTo(QueueWorker.State.ENDED);
        faulty.isAway = false;
        clock.advance(LEASE);
        assertThat(broker.upkeep(Upkeep.Limits.USUAL).takenBack()).isEqualTo(1);
        assertThat(find(id).state()).isEqualTo(TaskState.READY);
    }

    @Test
    void delaysAndRetriesAreTheBrokers() {
        String id = queue.enqueue(waits, "", SubmitOptions.NONE.delay(Duration.ofHours(1)));
        QueueWorker worker = worker().start();
        end.countDown();
        Waiting.until(() -> {
            if (find(id).state() == TaskState.SCHEDULED) { // no more, as its lease would end while it runs
                clock.advance(Duration.ofMinutes(1));
            }
            return find(id).state() == TaskState.SUCCEEDED;
        });
        assertThat(clock.now()).isAfterOrEqualTo(VirtualClock.START.plus(Duration.ofHours(1)));
        assertThat(QueuedTask.USUAL_QUEUE).isEqualTo(worker.status().queues().keySet().iterator().next());
        end(worker);
    }
}
