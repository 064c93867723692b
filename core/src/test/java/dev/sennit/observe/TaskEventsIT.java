package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.observe.TaskEvent.Kind;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What tasks in worker processes do, also while these are killed. */
@Timeout(300)
class TaskEventsIT {
    @Test
    void theWorkerAndItsTimesAreTold() throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:1")) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get();
            List<TaskEvent> told = events.drain();
            assertThat(told).extracting(TaskEvent::kind).containsExactly(Kind.SUBMITTED, Kind.BEGUN, Kind.SUCCEEDED);
            assertThat(told.get(1).worker()).get().asString()
                    .startsWith(pool.name()).endsWith(" (pid " + pid + ")");
            assertThat(told.get(2).ran()).get().satisfies(ran -> assertThat(ran).isPositive());
            pool.submit(() -> TaskEventsTest.spin()).get();
            TaskEvent end = events.drain().getLast();
            assertThat(end.cpu()).get().satisfies(
                    cpu -> assertThat(cpu).isBetween(TaskEventsTest.BUSY, end.ran().orElseThrow()));
        }
    }

    /** Tasks that were sent ahead are told of too, with their worker. */
    @Test
    void eventsAddUpWhileWorkersAreKilled() throws Exception {
        long seed = ThreadLocalRandom.current().nextLong();
        var random = new Random(seed);
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:2")) {
            var count = new EventCount();
            Thread tasks = Thread.ofPlatform().start(() -> Mixed.submit(pool, 600, seed));
            while (tasks.isAlive()) {
                List<TaskEvent> told = events.drain();
                assertThat(told).filteredOn(event -> event.kind() == Kind.BEGUN && !event.name().equals("again"))
                        .allSatisfy(event -> assertThat(event.worker()).as("seed %s", seed).isPresent());
                told.forEach(count::add);
                List<Long> workers = pool.statistics().workerPids();
                if (!workers.isEmpty() && random.nextInt(20) == 0) {
                    ProcessHandle.of(workers.get(random.nextInt(workers.size())))
                            .ifPresent(ProcessHandle::destroyForcibly);
                }
                events.next(Duration.ofMillis(10)).ifPresent(count::add);
            }
            pool.shutdown();
            assertThat(pool.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
            events.drain().forEach(count::add);
            assertThat(events.missed()).isZero();
            count.ensureAgrees(pool);
        }
    }
}
