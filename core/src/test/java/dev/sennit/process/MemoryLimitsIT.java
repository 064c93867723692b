package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Action;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskFuture;
import dev.sennit.WorkerStartException;
import dev.sennit.conformance.Signals;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Workers that use more memory than they may: each sort is named, costs one task, and the pool goes on. */
@Timeout(120)
class MemoryLimitsIT {
    private static final Task<Integer> FILLS_THE_HEAP = () -> {
        var hoard = new ArrayList<byte[]>();
        while (true) {
            hoard.add(new byte[1 << 20]);
        }
    };

    /** Makes classes that nothing can unload. */
    private static final Task<Integer> FILLS_THE_METASPACE = () -> {
        var hoard = new ArrayList<Object>();
        while (true) {
            var loader = new URLClassLoader(new URL[0], MemoryLimitsIT.class.getClassLoader());
            hoard.add(Proxy.newProxyInstance(loader, new Class<?>[] {Runnable.class}, (proxy, method, values) -> null));
        }
    };

    private static final Task<Integer> FILLS_DIRECT_BUFFERS = () -> {
        var hoard = new ArrayList<ByteBuffer>();
        while (true) {
            hoard.add(ByteBuffer.allocateDirect(1 << 18));
        }
    };

    /** Outside the heap, where no option of the JVM limits it. Stops at a gigabyte, to spare the machine. */
    private static void fillNativeMemory() {
        List<MemorySegment> hoard = new ArrayList<>();
        while (hoard.size() < 256) {
            hoard.add(Arena.global().allocate(1 << 22).fill((byte) 1));
        }
    }

    private static final Task<Integer> FILLS_NATIVE_MEMORY = () -> {
        fillNativeMemory();
        Thread.sleep(60_000);
        return 0;
    };

    private static Pool pool(String options) {
        return Pools.open("processes:1?heap=48m&output=discard&" + options);
    }

    private static void assertCrash(Pool pool, Task<?> task, String... told) {
        TaskFuture<?> future = pool.submit(task);
        assertThatThrownBy(() -> future.get(60, SECONDS))
                .cause()
                .isInstanceOf(WorkerCrashedException.class)
                .hasMessageContainingAll(told);
    }

    private static void assertServes(Pool pool) throws Exception {
        assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
    }

    @Test
    void theHeapIsNamed() throws Exception {
        try (Pool pool = pool("name=small")) {
            assertCrash(pool, FILLS_THE_HEAP, "ran out of memory (heap limit 48m) while it ran task ");
            assertServes(pool);
            assertThat(pool.statistics().workersLost()).isOne();
        }
    }

    @Test
    void theHeapIsGuessedWhereLinesGoElsewhere() throws Exception {
        try (Pool pool = Pools.open("processes:1?heap=48m&output=inherit")) {
            assertCrash(pool, FILLS_THE_HEAP,
                    "exited with code 3, as a JVM does that runs out of memory, while it ran task ");
        }
    }

    @Test
    void theMetaspaceIsNamed() throws Exception {
        try (Pool pool = pool("metaspace=16m")) {
            assertCrash(pool, FILLS_THE_METASPACE, "ran out of metaspace (limit 16m) while it ran task ");
            assertServes(pool);
        }
    }

    @Test
    void directBuffersFailTheTaskAlone() throws Exception {
        try (Pool pool = pool("direct=4m")) {
            long worker = pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS);
            TaskFuture<Integer> future = pool.submit(FILLS_DIRECT_BUFFERS);
            assertThatThrownBy(() -> future.get(60, SECONDS))
                    .cause()
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessageContainingAll("direct buffer memory", "limit: 4194304");
            assertThat(pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS)).isEqualTo(worker);
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void residentMemoryIsWatched() throws Exception {
        try (Pool pool = pool("rss=150m")) {
            assertServes(pool);
            assertCrash(
                    pool,
                    FILLS_NATIVE_MEMORY,
                    " MB of resident memory, more than the limit of 150 MB, and was killed while it ran task ");
            assertServes(pool);
            assertThat(pool.statistics().workersLost()).isOne();
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void whatWasSentAheadToAWorkerThatUsesTooMuchRunsElsewhere(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (Pool pool = pool("rss=150m")) {
            TaskFuture<Integer> greedy = pool.submit(() -> {
                here.await("others wait");
                return FILLS_NATIVE_MEMORY.call();
            });
            List<TaskFuture<Integer>> others = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                int number = i;
                others.add(pool.submit(() -> number));
            }
            here.set("others wait");
            assertThatThrownBy(() -> greedy.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class);
            for (int i = 0; i < 10; i++) {
                assertThat(others.get(i).get(60, SECONDS)).isEqualTo(i);
            }
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, architectures = {"amd64", "aarch64"})
    void anInitializerIsWatchedToo() throws Exception {
        Action greedy = MemoryLimitsIT::fillAndWait;
        try (ProcessPool pool = ProcessPool.builder()
                .workers(1)
                .heap("48m")
                .rss("150m")
                .output(WorkerOutput.DISCARD)
                .initializer(greedy)
                .open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThatThrownBy(() -> future.get(60, SECONDS))
                    .cause()
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContaining("more than the limit of 150 MB, and was killed in its initializer");
        }
    }

    private static void fillAndWait() {
        fillNativeMemory();
        try {
            Thread.sleep(60_000);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aLimitTooSmallForAnyWorkerFailsThePoolWithTheJvmsWords() throws Exception {
        try (Pool pool = pool("metaspace=1m&archive=off")) { // with one it has room to start
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThatThrownBy(() -> future.get(60, SECONDS))
                    .cause()
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContaining("Metaspace");
        }
    }
}
