package dev.sennit.cli.programs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.cli.command.CommandException;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TaskFlowTest {
    @Test
    void everyTaskComesOnce() throws InterruptedException {
        try (Pool pool = Pools.open("threads:4")) {
            TaskFlow<Integer> flow = TaskFlow.start(
                    IntStream.range(0, 1000).iterator(), n -> pool.submit(() -> n * 2), 10);
            Set<Integer> seen = new HashSet<>();
            for (Optional<TaskFuture<Integer>> next = flow.next(); next.isPresent(); next = flow.next()) {
                assertThat(seen.add(next.get().resultNow())).isTrue();
            }
            assertThat(seen).hasSize(1000);
            assertThat(flow.next()).as("the end is not waited for twice").isEmpty();
        }
    }

    @Test
    void resultsComeWhileTheSourceWaits() throws InterruptedException {
        var typist = new CountDownLatch(1);
        Iterator<Integer> source = new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                if (next == 1) {
                    awaitQuietly(typist);
                }
                return next < 2;
            }

            @Override
            public Integer next() {
                return next++;
            }
        };
        try (Pool pool = Pools.open("inline")) {
            TaskFlow<Integer> flow = TaskFlow.start(source, n -> pool.submit(() -> n), 10);
            assertThat(flow.next().orElseThrow().resultNow()).isZero();
            typist.countDown();
            assertThat(flow.next().orElseThrow().resultNow()).isOne();
            assertThat(flow.next()).isEmpty();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void noMoreThanTheWindowIsUnderWayOrUntaken() throws InterruptedException {
        var submitted = new AtomicInteger();
        try (Pool pool = Pools.open("inline")) {
            TaskFlow<Integer> flow = TaskFlow.start(
                    IntStream.range(0, 100).iterator(),
                    n -> {
                        submitted.incrementAndGet();
                        return pool.submit(() -> n);
                    },
                    7);
            for (int taken = 0; taken < 100; taken++) {
                assertThat(submitted.get()).isLessThanOrEqualTo(taken + 7);
                assertThat(flow.next()).isPresent();
            }
        }
    }

    @Test
    void aSourceThatFailsLosesNothing() throws InterruptedException {
        var source = new NumberReader(new java.io.ByteArrayInputStream("1 2 3 x 5".getBytes()));
        try (Pool pool = Pools.open("threads:2")) {
            TaskFlow<Long> flow = TaskFlow.start(source, n -> pool.submit(() -> n), 10);
            long sum = 0;
            for (int i = 0; i < 3; i++) {
                sum += flow.next().orElseThrow().resultNow();
            }
            assertThat(sum).isEqualTo(6);
            assertThatExceptionOfType(CommandException.class).isThrownBy(flow::next).withMessageContaining("\"x\"");
        }
    }

    @Test
    void aFailedTaskComesAsItIs() throws InterruptedException {
        try (Pool pool = Pools.open("threads:2")) {
            TaskFlow<Integer> flow = TaskFlow.start(
                    List.of(1).iterator(),
                    n -> pool.submit(() -> {
                        throw new IllegalStateException("no");
                    }),
                    10);
            assertThat(flow.next().orElseThrow().exceptionNow()).hasMessage("no");
        }
    }
}
