package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskOptions;
import dev.sennit.internal.view.TaskObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tasks in recordings of the JDK Flight Recorder, which are files. */
@Timeout(300)
class FlightEventsIT {
    @TempDir
    Path folder;

    private List<RecordedEvent> tasks(Recording recording) throws Exception {
        Path file = folder.resolve("run.jfr");
        recording.dump(file);
        try (var _ = (AutoCloseable) () -> Files.delete(file)) {
            return RecordingFile.readAllEvents(file).stream()
                    .filter(event -> event.getEventType().getName().equals("dev.sennit.Task"))
                    .toList();
        }
    }

    private List<RecordedEvent> awaitTasks(Recording recording, int count) {
        return await().atMost(2, TimeUnit.MINUTES).until(() -> tasks(recording), read -> read.size() == count);
    }

    @Test
    void aRecordingThatAsksHasTheRunsOfTasks() throws Exception {
        try (Pool pool = Pools.open("threads:1?name=flown"); var recording = new Recording()) {
            recording.enable("dev.sennit.Task");
            recording.start();
            assertThat(TaskObserver.Current.get()).isNotNull();
            Instant before = Instant.now().minusMillis(1);
            pool.submit(() -> 1, TaskOptions.named("fine")).get();
            assertThatThrownBy(pool.submit((Task<Integer>) () -> {
                throw new IllegalStateException("password=hunter2");
            }, TaskOptions.named("broken"))::get).hasCauseInstanceOf(IllegalStateException.class);

            List<RecordedEvent> read = awaitTasks(recording, 2);
            RecordedEvent fine = read.getFirst();
            assertThat(fine.getString("name")).isEqualTo("fine");
            assertThat(fine.getString("pool")).isEqualTo("flown");
            assertThat(fine.getString("worker")).startsWith("flown-worker-");
            assertThat(fine.getString("outcome")).isEqualTo("succeeded");
            assertThat(fine.getString("failure")).isNull();
            assertThat(fine.getInstant("begun")).isBetween(before, Instant.now());
            assertThat(fine.getDuration("waited")).isPositive();
            assertThat(fine.getDuration("ran")).isBetween(Duration.ZERO, Duration.ofMinutes(1));
            RecordedEvent broken = read.getLast();
            assertThat(broken.getString("outcome")).isEqualTo("failed");
            assertThat(broken.getString("failure")).isEqualTo("java.lang.IllegalStateException: password=***");
            recording.stop();
        }
        assertThat(TaskObserver.Current.get()).isNull();
    }

    @Test
    void aRecordingThatDoesNotAskCostsNothing() throws Exception {
        try (Pool pool = Pools.open("threads:1"); var recording = new Recording()) {
            recording.start();
            assertThat(TaskObserver.Current.get()).isNull();
            pool.submit(() -> 1).get();
            assertThat(tasks(recording)).isEmpty();
            try (var asks = new Recording(); var asksToo = new Recording()) {
                Stream.of(asks, asksToo).forEach(one -> {
                    one.enable("dev.sennit.Task");
                    one.start();
                });
                asks.stop();
                assertThat(TaskObserver.Current.get()).isNotNull();
                pool.submit(() -> 1).get();
                awaitTasks(asksToo, 1);
            }
            assertThat(TaskObserver.Current.get()).isNull();
        }
    }

    /** So that the library's loader can be unloaded. */
    @Test
    void recordingsAreFollowedOnlyWhileThereArePools() {
        FlightEvents.stopFollowing();
        try (var recording = new Recording()) {
            recording.enable("dev.sennit.Task");
            recording.start();
            assertThat(TaskObserver.Current.get()).isNull();
            try (Pool _ = Pools.open("inline")) {
                assertThat(TaskObserver.Current.get()).as("one that runs is found").isNotNull();
            }
            FlightEvents.stopFollowing();
            FlightEvents.stopFollowing();
            assertThat(TaskObserver.Current.get()).isNull();
        } finally {
            FlightEvents.follow();
        }
        assertThat(TaskObserver.Current.get()).isNull();
    }
}
