package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Seeded;
import dev.sennit.TaskFuture;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What travels, over each transport. */
@Timeout(120)
@EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
class TransportIT {
    private static final int BOUND = 60;

    private static ProcessPool one(WorkerTransport transport) {
        return ProcessPool.builder()
                .workers(1)
                .heap("512m")
                .grace(Duration.ZERO)
                .output(WorkerOutput.DISCARD)
                .transport(transport)
                .open();
    }

    private static byte[] bytes(RandomGenerator random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void messagesOfAnySizeComeBackAsTheyWent(WorkerTransport transport) throws Exception {
        Seeded.repeat(1, seeded -> {
            RandomGenerator random = seeded.generator();
            try (ProcessPool pool = one(transport)) {
                for (int longest : new int[] {10, 100_000, 5_000_000, 20_000_000}) {
                    List<byte[]> sent = new ArrayList<>();
                    List<TaskFuture<byte[]>> back = new ArrayList<>();
                    for (int i = 0; i < 5; i++) {
                        byte[] bytes = bytes(random, random.nextInt(longest));
                        sent.add(bytes);
                        back.add(pool.submit(() -> bytes));
                    }
                    for (int i = 0; i < 5; i++) {
                        assertThat(Arrays.equals(back.get(i).get(BOUND, SECONDS), sent.get(i))).isTrue();
                    }
                }
                assertThat(pool.statistics().workersLost()).isZero();
            }
        });
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void aWorkerThatStandsStillHoldsNoSubmitterUp(WorkerTransport transport) throws Exception {
        byte[] large = new byte[64 << 20];
        try (ProcessPool pool = one(transport)) {
            long pid = pool.submit(() -> ProcessHandle.current().pid()).get(BOUND, SECONDS);
            assertThat(new ProcessBuilder("kill", "-STOP", Long.toString(pid)).start().waitFor()).isZero();
            TaskFuture<Integer> stuck = pool.submit(() -> large.length); // returns
            await().until(() -> pool.statistics().running() == 1); // else the next task would be that worker's
            assertThat(stuck.cancel(true)).isTrue();
            assertThatThrownBy(stuck::join).isInstanceOf(CancellationException.class);
            assertThat(pool.submit(() -> 42).get(BOUND, SECONDS)).isEqualTo(42);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void aKillInTheMiddleOfALargeMessageIsNoticed(WorkerTransport transport) throws Exception {
        Seeded.repeat(1, seeded -> {
            RandomGenerator random = seeded.generator();
            byte[] large = new byte[24 << 20];
            try (ProcessPool pool = one(transport)) {
                for (int i = 0; i < 5; i++) {
                    long pid = pool.submit(() -> ProcessHandle.current().pid()).get(BOUND, SECONDS);
                    TaskFuture<byte[]> there = pool.submit(() -> large);
                    Thread.sleep(random.nextInt(60));
                    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
                    try {
                        assertThat(there.get(BOUND, SECONDS)).hasSize(large.length);
                    } catch (ExecutionException e) {
                        assertThat(e).hasCauseInstanceOf(WorkerCrashedException.class);
                    }
                }
            }
        });
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "AUTO")
    void aTaskFindsTheEndOfItsStandardInput(WorkerTransport transport) throws Exception {
        try (ProcessPool pool = one(transport)) {
            assertThat(pool.submit(() -> System.in.read()).get(BOUND, SECONDS)).isEqualTo(-1);
            assertThat(pool.submit(() -> {
                Process child = new ProcessBuilder("cat").redirectInput(ProcessBuilder.Redirect.INHERIT).start();
                return child.waitFor(BOUND, SECONDS);
            }).get(BOUND, SECONDS)).as("its child found the end as well, and took no task").isTrue();
            assertThat(pool.submit(() -> 7).get(BOUND, SECONDS)).isEqualTo(7);
        }
    }

    static class Base implements Serializable {
        private static final long serialVersionUID = 1L;
        final int value;

        Base(int value) {
            this.value = value;
        }
    }

    @Test
    void whatHasNoCompactFormTravelsAsWell() throws Exception {
        try (ProcessPool pool = one(WorkerTransport.AUTO)) {
            var base = new Base(41);
            assertThat(pool.submit(() -> new Base(base.value + 1)).get(BOUND, SECONDS).value).isEqualTo(42);
            assertThat(pool.map(b -> b.value, List.of(base, new Base(5)))).containsExactly(41, 5);
        }
    }

    @Test
    void aPlanMaySayWhich() {
        try (Pool pool = Pools.open("processes:1?transport=socket")) {
            assertThat(pool.toString()).contains("over sockets");
        }
        try (Pool pool = Pools.open("processes:1?transport=shared-memory")) {
            assertThat(pool.toString()).contains("over shared memory");
        }
        assertThatThrownBy(() -> Pools.open("processes:1?transport=pigeon"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("transport must be auto, shared-memory or socket, was \"pigeon\"");
    }
}
