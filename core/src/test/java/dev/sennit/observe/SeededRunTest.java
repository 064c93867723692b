package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Backoff;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskProgress;
import dev.sennit.internal.Backend;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.Strategy;
import dev.sennit.testing.VirtualClock;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A run of pools whose schedule, task lengths, failures and cancellations follow from a seed, and whose time is that of
 * the schedule: its recording is the same each time, to the nanosecond, and that of the stored file. Time limits are
 * left out, as real timers end them.
 *
 * <p>If a change of the library is to change the recording, the file that the failure names takes the place of the
 * stored one.
 */
@Timeout(120)
class SeededRunTest {
    private static final long SEED = 42;
    private static final int TASKS = 40;
    private static final String STORED = "seeded-run.jsonl";

    /** Lets the library have the time of a schedule. */
    private static final class ClockOfSchedule extends Backend {
        private final VirtualClock clock;

        ClockOfSchedule(VirtualClock clock) {
            this.clock = clock;
        }

        @Override
        public long nanoTime() {
            return clock.nanoTime();
        }

        @Override
        public Instant now() {
            return clock.now();
        }
    }

    /** One run, in a thread of a schedule. */
    private static String recording() throws Exception {
        VirtualClock clock = VirtualClock.standing(VirtualClock.START);
        Backend before = Backend.replace(new ClockOfSchedule(clock));
        try (TaskEvents events = TaskEvents.open()) {
            long first = TaskObserver.Current.lastTask();
            try (Pool photos = Pools.open("virtual:2?name=photos");
                    Pool mails = Pools.open("virtual:3?name=mails");
                    Pool sums = Pools.open("inline?name=sums")) {
                work(clock, new Random(SEED), List.of(photos, mails, sums));
            }
            var out = new StringBuilder();
            var lines = new JsonLines(out);
            for (TaskEvent event : events.drain()) {
                lines.event(numberedFrom(first, event));
            }
            assertThat(events.missed()).isZero();
            return out.toString();
        } finally {
            Backend.replace(before);
        }
    }

    /** The numbers of tasks count on from test to test. */
    private static TaskEvent numberedFrom(long first, TaskEvent event) {
        return new TaskEvent(
                event.kind(), event.task() == 0 ? 0 : event.task() - first, event.pool(), event.name(), event.at(),
                event.waited(), event.ran(), event.cpu(), event.worker(), event.failure(), event.progress());
    }

    private static void work(VirtualClock clock, Random random, List<Pool> pools) throws InterruptedException {
        List<TaskFuture<?>> futures = new ArrayList<>();
        for (int i = 0; i < TASKS; i++) {
            Pool pool = pools.get(random.nextInt(8) * pools.size() / 9);
            futures.add(submit(clock, random, pool, i));
            clock.sleep(Duration.ofMillis(random.nextInt(4)));
            if (random.nextInt(3) == 0) {
                futures.get(random.nextInt(futures.size())).cancel(true);
            }
        }
        for (TaskFuture<?> future : futures) {
            try {
                future.get();
            } catch (ExecutionException | CancellationException e) {
                // is in the recording
            }
        }
    }

    private static TaskFuture<?> submit(VirtualClock clock, Random random, Pool pool, int number) {
        Duration length = Duration.ofMillis(1 + random.nextInt(12)).plusNanos(random.nextInt(1000));
        Task<Integer> work = () -> {
            TaskProgress.report(0, 1, "begins");
            clock.sleep(length);
            return number;
        };
        return switch (random.nextInt(5)) {
            case 0 -> pool.submit(() -> {
                clock.sleep(length);
                throw new IllegalStateException("task " + number + " token=" + length);
            }, TaskOptions.named("fails"));
            case 1 -> {
                var failures = new AtomicInteger(random.nextInt(3));
                // A pool that runs tasks in the caller waits there by a timed wait of the JDK, which reads the real
                // clock as well: on a machine that is held up meanwhile, the wait would be shorter.
                Duration pause = pool.name().equals("sums") ? Duration.ZERO : Duration.ofMillis(3);
                yield pool.submit(() -> {
                    clock.sleep(length);
                    if (failures.getAndDecrement() > 0) {
                        throw new IOException("not yet");
                    }
                    return number;
                }, TaskOptions.named("again")
                        .retry(Retry.attempts(2).waiting(Backoff.fixed(pause)).time(clock)));
            }
            case 2 -> pool.submit(work, TaskOptions.named("named"));
            default -> pool.submit(work);
        };
    }

    @Test
    void theRecordingOfASeededRunIsTheStoredOne() throws Exception {
        List<String> recordings = new ArrayList<>();
        ScheduleExplorer.of(1).strategy(Strategy.RANDOM).replay(SEED, () -> recordings.add(recording()));
        assertThat(recordings).hasSizeGreaterThan(1).allMatch(recordings.getFirst()::equals, "are the same");
        String recorded = recordings.getFirst();
        String stored;
        try (InputStream in = SeededRunTest.class.getResourceAsStream(STORED)) {
            stored = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        if (!recorded.equals(stored)) {
            Path actual = Files.createDirectories(Path.of("target")).resolve(STORED);
            Files.writeString(actual, recorded);
            assertThat(recorded.lines()).as("the recording, which is in %s", actual)
                    .containsExactlyElementsOf(stored.lines().toList());
        }
    }

    /** What the stored run is to show: each end, and each step on the way. */
    @Test
    void theStoredRunHasAllStepsOfTasks() throws Exception {
        List<TaskEvent> events = new ArrayList<>();
        try (InputStream in = SeededRunTest.class.getResourceAsStream(STORED)) {
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
                JsonLines.replay(line, events::add);
            }
        }
        assertThat(events).extracting(TaskEvent::kind).contains(
                TaskEvent.Kind.SUBMITTED, TaskEvent.Kind.BEGUN, TaskEvent.Kind.PROGRESS, TaskEvent.Kind.RETRIED,
                TaskEvent.Kind.SUCCEEDED, TaskEvent.Kind.FAILED, TaskEvent.Kind.CANCELLED, TaskEvent.Kind.RUN_OVER,
                TaskEvent.Kind.POOL_OPENED, TaskEvent.Kind.POOL_CLOSED);
        assertThat(events).filteredOn(event -> event.kind().isEnd()).hasSize(TASKS);
        assertThat(events).filteredOn(event -> event.kind() == TaskEvent.Kind.BEGUN)
                .allMatch(event -> event.waited().isPresent())
                .filteredOn(event -> !event.name().equals("again")) // its attempts have a worker each
                .allMatch(event -> event.worker().isPresent());
        assertThat(events.getFirst().at()).isEqualTo(VirtualClock.START);
    }
}
