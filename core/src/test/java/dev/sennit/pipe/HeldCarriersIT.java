package dev.sennit.pipe;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Backoff;
import dev.sennit.PeriodicWorker;
import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Retry;
import dev.sennit.Schedule;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Virtual threads that only compute hold every carrier; nothing else of the library waits for them. */
@Timeout(120)
class HeldCarriersIT {
    private volatile boolean enough;
    private final List<Thread> holders = new ArrayList<>();

    @BeforeEach
    void holdAllCarriers() throws InterruptedException {
        int carriers = Integer.getInteger("jdk.virtualThreadScheduler.parallelism",
                Runtime.getRuntime().availableProcessors());
        var all = new CountDownLatch(carriers);
        for (int i = 0; i < carriers; i++) {
            holders.add(Thread.startVirtualThread(() -> {
                all.countDown();
                while (!enough) {
                    Thread.onSpinWait();
                }
            }));
        }
        assertThat(all.await(60, SECONDS)).isTrue();
    }

    @AfterEach
    void letGo() throws InterruptedException {
        enough = true;
        for (Thread holder : holders) {
            holder.join();
        }
    }

    @Test
    void aTimeLimitEndsATask() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            TaskFuture<Integer> future = pool.submit(
                    () -> {
                        new CountDownLatch(1).await();
                        return 0;
                    },
                    TaskOptions.timeLimit(Duration.ofMillis(20)));
            assertThatThrownBy(() -> future.get(60, SECONDS)).hasCauseInstanceOf(TimeoutException.class);
            assertThat(pool.submit(() -> 1).get(60, SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void aFailedTaskIsTriedAgain() throws Exception {
        try (Pool pool = Pools.open("threads:1")) {
            var attempts = new AtomicInteger();
            TaskFuture<Integer> future = pool.submit(
                    () -> {
                        if (attempts.incrementAndGet() < 3) {
                            throw new IllegalStateException("not yet");
                        }
                        return attempts.get();
                    },
                    TaskOptions.NONE.retry(Retry.attempts(5).waiting(Backoff.fixed(Duration.ofMillis(1)))));
            assertThat(future.get(60, SECONDS)).isEqualTo(3);
        }
    }

    @Test
    void periodicWorkGoesOn() throws Exception {
        var beats = new CountDownLatch(3);
        try (Pool pool = Pools.open("threads:1");
                PeriodicWorker worker = PeriodicWorker.builder().pool(pool).open()) {
            worker.add("beat", Schedule.fixedRate(Duration.ofMillis(1)), beats::countDown);
            worker.start();
            assertThat(beats.await(60, SECONDS)).isTrue();
        }
    }

    @Test
    void aProcessThatComputesIsKilledWhenItsTaskIsCancelledOrItsTimeIsUp() throws Exception {
        try (Pool pool = Pools.open("processes:1?grace=20ms")) {
            TaskFuture<Long> busy = pool.submit(HeldCarriersIT::compute);
            TaskFuture<Long> limited =
                    pool.submit(HeldCarriersIT::compute, TaskOptions.timeLimit(Duration.ofMillis(20)));
            while (pool.statistics().running() == 0) {
                Thread.sleep(5);
            }
            busy.cancel(true);
            assertThatThrownBy(() -> limited.get(60, SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(TimeoutException.class);
            assertThat(pool.submit(() -> 1).get(60, SECONDS)).isEqualTo(1);
        }
    }

    @Test
    void aPoolOfProcessesIsClosed() throws Exception {
        Pool pool = Pools.open("processes:1?grace=20ms");
        TaskFuture<Long> busy = pool.submit(HeldCarriersIT::compute);
        while (pool.statistics().running() == 0) {
            Thread.sleep(5);
        }
        pool.shutdownNow();
        assertThat(pool.awaitTermination(60, SECONDS)).isTrue();
        assertThat(busy.isDone()).isTrue();
    }

    private static long compute() {
        long n = 0;
        while (true) {
            n++;
            if (n < 0) {
                return n;
            }
        }
    }

    /** The ends have met, and the virtual thread that sends what was kept has not begun. */
    @Test
    void aSenderSendsWhatWasKept(@TempDir Path folder) throws Exception {
        var address = UnixDomainSocketAddress.of(folder.resolve("socket"));
        try (Pipe pipe = Pipe.open();
                var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
                var theirs = SocketChannel.open(address)) {
            pipe.first().sendBytes(new byte[60_000]);
            pipe.first().met(server.accept(), null);
            pipe.first().sendBytes(new byte[10_000]);
            var received = ByteBuffer.allocate(2 * PipeMessage.HEADER + 70_000);
            while (received.hasRemaining()) {
                assertThat(theirs.read(received)).isPositive();
            }
            assertThat(Connection.waitingInAll()).isZero();
        }
    }
}
