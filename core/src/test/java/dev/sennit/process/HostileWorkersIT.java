package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Signals;
import dev.sennit.TaskFuture;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Workers that do not keep to the rules, played by tasks that speak for them: each costs its own task at most. */
@Timeout(120)
class HostileWorkersIT {
    private static ProcessPool.Builder one() {
        return ProcessPool.builder().workers(1).heap("64m").output(WorkerOutput.DISCARD);
    }

    private static void assertServes(ProcessPool pool) throws Exception {
        assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
        assertThat(pool.statistics().workersLost()).isOne();
    }

    private static Object field(Object of, String name) throws Exception {
        var field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    /** The worker's end, in a task. */
    private static WorkerLink.WorkerEnd end() throws Exception {
        return (WorkerLink.WorkerEnd) field(Thread.currentThread(), "end");
    }

    private static int spin() {
        while (true) {
            Thread.onSpinWait();
        }
    }

    // ---- what it says of its tasks ----

    enum Lie {
        ENDED_WHAT_WAS_NEVER_SENT {
            @Override
            void tell(StatusPage page) {
                page.saw(Long.MAX_VALUE);
                page.began(Long.MAX_VALUE);
                page.ended(Long.MAX_VALUE);
            }
        },
        ENDED_WHAT_IT_HAS_NOT_BEGUN {
            @Override
            void tell(StatusPage page) {
                page.ended(page.progress().begun() + 1);
            }
        },
        BEGAN_WHAT_IT_HAS_NOT_SEEN {
            @Override
            void tell(StatusPage page) {
                page.began(page.progress().seen() + 1);
            }
        },
        DID_NOTHING_AFTER_ALL {
            @Override
            void tell(StatusPage page) {
                page.ended(0);
                page.began(0);
                page.saw(0);
            }
        };

        abstract void tell(StatusPage page);
    }

    @ParameterizedTest
    @CsvSource({
        "ENDED_WHAT_WAS_NEVER_SENT, AUTO",
        "ENDED_WHAT_WAS_NEVER_SENT, SOCKET",
        "ENDED_WHAT_IT_HAS_NOT_BEGUN, AUTO",
        "BEGAN_WHAT_IT_HAS_NOT_SEEN, AUTO",
        "DID_NOTHING_AFTER_ALL, AUTO"
    })
    void whoSaysWhatCannotBeIsKilled(Lie lie, WorkerTransport transport, @TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().transport(transport).open()) {
            TaskFuture<Integer> liar = pool.submit(() -> {
                here.set("began");
                here.await("it may lie");
                lie.tell(end().page());
                here.set("lied");
                return spin();
            });
            here.await("began");
            assertThat(hasEndedWhatItRuns(pool)).isFalse();
            here.set("it may lie");
            here.await("lied");
            hasEndedWhatItRuns(pool);
            assertThatThrownBy(() -> liar.get(60, SECONDS))
                    .hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContaining("said of its tasks what cannot be, and was killed: ended ");
            assertServes(pool);
        }
    }

    /** As a time limit asks, when it is over. */
    private static boolean hasEndedWhatItRuns(ProcessPool pool) {
        WorkerJvm worker = Objects.requireNonNull(pool.slots().getFirst().worker());
        return worker.hasEnded(Objects.requireNonNull(worker.current.get()));
    }

    @Test
    void whoSaysThatItsTaskHasEndedHasToAnswer(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().grace(Duration.ZERO).open()) {
            TaskFuture<Integer> silent = pool.submit(() -> {
                StatusPage page = end().page();
                page.ended(page.progress().begun());
                here.set("said so");
                return spin();
            });
            here.await("said so");
            silent.cancel(true);
            assertServes(pool);
        }
    }

    @Test
    void timesThatCannotBeAreNotBelieved() throws Exception {
        try (ProcessPool pool = one().open()) {
            pool.submit(() -> 1).get(60, SECONDS);
            TaskFuture<Integer> ageless = pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                long task = end.page().progress().begun();
                end.send(WorkerLink.Kind.VALUE, task, Long.MAX_VALUE, Long.MIN_VALUE, TaskCodec.encodeValue(7));
                return spin();
            });
            assertThat(ageless.get(60, SECONDS)).isEqualTo(7);
            assertThat(pool.statistics().runTime()).isBetween(Duration.ZERO, Duration.ofMinutes(2));
            assertThat(pool.statistics().cpuTime().orElseThrow()).isBetween(Duration.ZERO, Duration.ofMinutes(2));
            pool.shutdownNow();
        }
    }

    // ---- standing still ----

    /** The parent writes a task that nobody reads, and the worker's line ends meanwhile. */
    @Test
    void whoHangsUpAndStandsStillHoldsNobody(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().heap("256m").transport(WorkerTransport.SOCKET).open()) {
            TaskFuture<Integer> first = pool.submit(() -> {
                WorkerLink.WorkerEnd end = end();
                end.page().ended(end.page().progress().begun());
                end.send(WorkerLink.Kind.VALUE, end.page().progress().begun(), 0, 0, TaskCodec.encodeValue(1));
                here.await("the second is on its way");
                ((SocketChannel) field(end, "socket")).shutdownOutput();
                return spin();
            });
            assertThat(first.get(60, SECONDS)).isOne();
            byte[] large = new byte[10 << 20];
            TaskFuture<Integer> second = pool.submit(() -> large.length);
            Awaitility.await().until(() -> Thread.getAllStackTraces().entrySet().stream()
                    .anyMatch(thread -> thread.getKey().getName().equals("sennit-sender")
                            && thread.getValue()[0].getMethodName().startsWith("write")));
            here.set("the second is on its way");
            assertThat(second.get(60, SECONDS)).isEqualTo(large.length);
            assertServes(pool);
        }
    }

    // ---- dying of it ----

    @Test
    void aTaskThatNoWorkerLivesToBeginFails() throws Exception {
        try (ProcessPool pool = one().heap("16m").open()) {
            byte[] large = new byte[24 << 20];
            TaskFuture<Integer> tooLarge = pool.submit(() -> large.length);
            assertThatThrownBy(() -> tooLarge.get(100, SECONDS))
                    .hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContainingAll("before it had begun task ", ", as had 4 others");
            assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
            assertThat(pool.statistics().workersLost()).isEqualTo(5);
        }
    }
}
