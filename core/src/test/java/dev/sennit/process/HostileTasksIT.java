package dev.sennit.process;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sennit.Backoff;
import dev.sennit.Pool;
import dev.sennit.RemoteTaskException;
import dev.sennit.Retry;
import dev.sennit.RunState;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskScope;
import dev.sennit.TaskSerializationException;
import dev.sennit.WorkerStartException;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.conformance.Signals;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.Serializable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tasks, results and callbacks that misbehave: each may fail only its own future. */
@Timeout(120)
class HostileTasksIT {
    private static ProcessPool.Builder one() {
        return ProcessPool.builder().workers(1).heap("64m").output(WorkerOutput.DISCARD);
    }

    private static void assertServes(Pool pool) throws Exception {
        assertThat(pool.submit(() -> 42).get(60, SECONDS)).isEqualTo(42);
    }

    // ---- answers ----

    /** A value that cannot be read. */
    static final class Unreadable implements Serializable {
        private static final long serialVersionUID = 1L;

        private void readObject(ObjectInputStream in) {
            throw new OutOfMemoryError("no room for this");
        }
    }

    static final class UnreadableException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private void readObject(ObjectInputStream in) {
            throw new AssertionError("not to be read");
        }
    }

    static final class NoStackException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NoStackException() {
            super("has no stack");
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            return null;
        }
    }

    /** An exception whose methods all throw, once it is on the other side. */
    static final class MuteException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private static boolean isHome;

        private void readObject(ObjectInputStream in) {
            isHome = true;
        }

        @Override
        public String toString() {
            throw isHome ? new MuteException() : new IllegalStateException();
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            throw isHome ? new MuteException() : new IllegalStateException();
        }
    }

    @Test
    void anExceptionThatCannotEvenBeNamedFailsItsTaskAlone() throws Exception {
        try (ProcessPool pool = one().open()) {
            TaskFuture<?> mute = pool.submit(() -> {
                throw new MuteException();
            });
            assertThatThrownBy(() -> mute.get(10, SECONDS))
                    .cause()
                    .isInstanceOf(RemoteTaskException.class)
                    .hasMessageContaining("MuteException");
            assertServes(pool);
        }
    }

    /** How methods of an exception misbehave, in the worker and in the parent. */
    enum Mischief {
        THROWS {
            @Override
            void happen() {
                throw new IllegalStateException("meant");
            }
        },
        THROWS_AN_ERROR {
            @Override
            void happen() {
                throw new AssertionError("meant");
            }
        },
        THROWS_ITS_LIKE {
            @Override
            void happen() {
                throw new HostileException(Asked.TEXT, THROWS_ITS_LIKE);
            }
        },
        OVERFLOWS {
            @Override
            @SuppressWarnings("InfiniteRecursion")
            void happen() {
                happen();
            }
        };

        abstract void happen();
    }

    /** The methods of an exception that may be called. */
    enum Asked {
        TEXT,
        CAUSE,
        STACK,
        WRITING,
        REPLACEMENT,
        READING,
        EVERYTHING
    }

    /** An exception one of whose methods misbehaves. */
    static final class HostileException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final Asked asked;
        private final Mischief mischief;

        HostileException(Asked asked, Mischief mischief) {
            super("plain text");
            this.asked = asked;
            this.mischief = mischief;
        }

        private void asked(Asked what) {
            if (asked == what || asked == Asked.EVERYTHING) {
                mischief.happen();
            }
        }

        @Override
        public String toString() {
            asked(Asked.TEXT);
            return super.toString();
        }

        @Override
        public String getMessage() {
            asked(Asked.TEXT);
            return super.getMessage();
        }

        @Override
        public synchronized Throwable getCause() {
            if (asked != null) { // called by the constructor of Throwable
                asked(Asked.CAUSE);
            }
            return super.getCause();
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            asked(Asked.STACK);
            return super.getStackTrace();
        }

        @Override
        public void setStackTrace(StackTraceElement[] stack) {
            asked(Asked.STACK);
            super.setStackTrace(stack);
        }

        private void writeObject(ObjectOutputStream out) throws IOException {
            asked(Asked.WRITING);
            out.defaultWriteObject();
        }

        private Object writeReplace() {
            asked(Asked.REPLACEMENT);
            return this;
        }

        private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
            in.defaultReadObject();
            asked(Asked.READING);
        }
    }

    /** A value that cannot be written, and throws a misbehaving exception. */
    static final class Unwritable implements Serializable {
        private static final long serialVersionUID = 1L;
        private final Mischief mischief;

        Unwritable(Mischief mischief) {
            this.mischief = mischief;
        }

        private void writeObject(ObjectOutputStream out) {
            throw new HostileException(Asked.EVERYTHING, mischief);
        }
    }

    @Test
    void anExceptionThatPlaysMischiefFailsItsTaskAlone() throws Exception {
        try (ProcessPool pool = one().open()) {
            for (Mischief mischief : Mischief.values()) {
                for (Asked asked : Asked.values()) {
                    String when = mischief + " when asked for " + asked;
                    TaskFuture<?> thrown = pool.submit(() -> {
                        throw new HostileException(asked, mischief);
                    });
                    assertThat(failureOf(thrown))
                            .as(when)
                            .isInstanceOfAny(
                                    HostileException.class, RemoteTaskException.class,
                                    TaskSerializationException.class);
                    TaskFuture<?> cause = pool.submit(() -> {
                        throw new IllegalStateException("on top", new HostileException(asked, mischief));
                    });
                    assertThat(failureOf(cause))
                            .as(when)
                            .isInstanceOfAny(IllegalStateException.class, RemoteTaskException.class)
                            .hasMessageContaining("on top");
                    TaskFuture<?> refused = pool.submit(() -> new Unwritable(mischief));
                    assertThat(failureOf(refused))
                            .as(when)
                            .hasMessageContainingAll("result cannot travel home", "Unwritable");
                    assertServes(pool);
                    assertThat(pool.statistics().workersLost()).as(when).isZero();
                }
            }
        }
    }

    @Test
    void ofAnExceptionThatPlaysMischiefComesWhatCanBeRead() throws Exception {
        try (ProcessPool pool = one().open()) {
            TaskFuture<?> mute = pool.submit(() -> {
                throw new HostileException(Asked.WRITING, Mischief.OVERFLOWS);
            });
            assertThat(failureOf(mute)).isInstanceOfSatisfying(RemoteTaskException.class, standIn -> {
                assertThat(standIn.originalClassName()).isEqualTo(HostileException.class.getName());
                assertThat(standIn).hasMessageContaining("plain text").hasStackTraceContaining("HostileTasksIT.lambda");
            });
            TaskFuture<?> everything = pool.submit(() -> {
                throw new HostileException(Asked.EVERYTHING, Mischief.THROWS_AN_ERROR);
            });
            assertThat(failureOf(everything))
                    .isInstanceOfSatisfying(RemoteTaskException.class,
                            standIn -> assertThat(standIn.originalClassName())
                                    .isEqualTo(HostileException.class.getName()));
        }
    }

    /** An exception without end in its causes, suppressed exceptions or frames. */
    static final class EndlessException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @Override
        public synchronized Throwable getCause() {
            return new EndlessException();
        }

        @Override
        public String toString() {
            return "again and again ".repeat(1_000_000);
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            var frames = new StackTraceElement[100_000];
            Arrays.fill(frames, 0, frames.length / 2, new StackTraceElement("Endless", "again", "Endless.java", 1));
            return frames; // half of them null
        }

        private void writeObject(ObjectOutputStream out) throws IOException {
            throw new IOException("not as it is");
        }
    }

    @Test
    void anExceptionWithoutEndComesAsItsBeginning() throws Exception {
        try (ProcessPool pool = one().heap("512m").open()) {
            TaskFuture<?> endless = pool.submit(() -> {
                throw new EndlessException();
            });
            assertThat(failureOf(endless)).isInstanceOfSatisfying(RemoteTaskException.class, standIn -> {
                assertThat(standIn.originalClassName()).isEqualTo(EndlessException.class.getName());
                assertThat(standIn.getMessage()).startsWith("again and again").hasSizeLessThan(100_000);
                assertThat(standIn.getStackTrace()).hasSizeBetween(1, 10_000);
            });
            assertServes(pool);
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    @Test
    void anItemWhoseResultCannotTravelLosesNoneOfThoseBeforeIt() throws Exception {
        try (ProcessPool pool = one().open()) {
            for (boolean isPlain : List.of(true, false)) {
                List<Object> come = new ArrayList<>();
                Stream<Object> mapped = Stream.of(0, 1, 2, 3, 4, 5).gather(pool.chunksOf(6).mapping(n -> {
                    if (n == 4) {
                        throw new IllegalStateException("not even begun");
                    }
                    return n == 3 ? oddOne(isPlain) : n;
                }));
                assertThatThrownBy(() -> mapped.forEach(come::add))
                        .isInstanceOf(CompletionException.class)
                        .cause()
                        .isInstanceOf(TaskSerializationException.class)
                        .hasMessageContaining("result cannot travel home");
                assertThat(come).containsExactly(0, 1, 2);
            }
            List<Object> come = new ArrayList<>();
            assertThatThrownBy(() -> Stream.of(0, 1, 2)
                    .gather(pool.chunksOf(6).mapping(n -> n == 2 ? oddOne(true) : n))
                    .forEach(come::add))
                    .hasRootCauseInstanceOf(NotSerializableException.class);
            assertThat(come).as("where nothing failed but the last").containsExactly(0, 1);
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    private static Object oddOne(boolean isPlain) {
        return isPlain ? new Object() : new Unwritable(Mischief.THROWS_AN_ERROR);
    }

    /** An exception one of whose methods does not return. */
    static final class SleeplessException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @Override
        public String toString() {
            while (true) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void anExceptionThatNeverTellsWhatItIsEndsWithItsTimeLimit() throws Exception {
        try (ProcessPool pool = one().grace(Duration.ofMillis(10)).open()) {
            assertServes(pool);
            TaskFuture<?> silent = pool.submit(
                    () -> {
                        throw new SleeplessException();
                    },
                    TaskOptions.NONE.timeout(Duration.ofMillis(50)));
            assertThat(failureOf(silent)).isInstanceOf(TimeoutException.class);
            assertServes(pool);
        }
    }

    @Test
    void anInitializerWhoseExceptionPlaysMischiefFailsAllTasks() throws Exception {
        try (ProcessPool pool = one()
                .initializer(() -> {
                    throw new HostileException(Asked.EVERYTHING, Mischief.THROWS_ITS_LIKE);
                })
                .open()) {
            TaskFuture<Integer> future = pool.submit(() -> 1);
            assertThat(failureOf(future))
                    .isInstanceOf(WorkerStartException.class)
                    .hasMessageContainingAll("initializer failed in worker", "HostileException");
        }
    }

    static final class ClosedForRepair extends PrintStream {
        ClosedForRepair() {
            super(OutputStream.nullOutputStream());
        }

        @Override
        public void flush() {
            throw new AssertionError("meant");
        }
    }

    @Test
    void aStandardOutputThatThrowsCostsNoWorker() throws Exception {
        try (ProcessPool pool = one().open()) {
            TaskFuture<Integer> future = pool.submit(() -> {
                System.setOut(new ClosedForRepair());
                return 1;
            });
            assertThat(future.get(60, SECONDS)).isOne();
            assertServes(pool);
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    /** Returns the failure without AssertJ, which would call methods of the exception. */
    private static Throwable failureOf(TaskFuture<?> future) throws Exception {
        try {
            future.get(60, SECONDS);
        } catch (ExecutionException e) {
            return e.getCause();
        }
        throw new AssertionError("it did not fail");
    }

    /** Sends an unrequested answer, in a task that sends in the worker's name. */
    private static void say(WorkerLink.Kind kind) throws Exception {
        say(kind, 0);
    }

    private static void say(WorkerLink.Kind kind, int later) throws Exception {
        Thread worker = Thread.currentThread();
        var field = worker.getClass().getDeclaredField("end");
        field.setAccessible(true);
        var end = (WorkerLink.WorkerEnd) field.get(worker);
        end.send(kind, end.page().progress().begun() + later, 0, 0, new MessageBuffer());
    }

    @ParameterizedTest
    @EnumSource(names = {"READY", "SKIPPED"})
    void aWorkerThatSaysItSkippedWhatItRunsIsReplaced(WorkerLink.Kind kind) throws Exception {
        try (ProcessPool pool = one().open()) {
            TaskFuture<?> task = pool.submit(() -> {
                say(kind);
                return 1;
            });
            assertThatThrownBy(() -> task.get(10, SECONDS))
                    .hasCauseInstanceOf(WorkerCrashedException.class)
                    .hasMessageContaining("nobody had asked");
            assertServes(pool);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "SOCKET"})
    void aWorkerThatAnswersWhatItHasNotReadIsReplaced(WorkerTransport transport, @TempDir Path folder)
            throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().heap("256m").transport(transport).open()) {
            TaskFuture<?> first = pool.submit(() -> {
                say(WorkerLink.Kind.VALUE);
                here.await("the second is on its way");
                say(WorkerLink.Kind.VALUE, 1);
                Thread.sleep(60_000);
                return 1;
            });
            assertThatThrownBy(() -> first.get(60, SECONDS)).hasCauseInstanceOf(TaskSerializationException.class);
            byte[] large = new byte[10 << 20]; // more than fits into the connection while the worker does not read
            TaskFuture<Integer> second = pool.submit(() -> large.length);
            await().until(() -> Thread.getAllStackTraces().keySet().stream()
                    .anyMatch(thread -> thread.getName().equals("sennit-sender")));
            TaskFuture<Integer> third = pool.submit(() -> 3);
            here.set("the second is on its way");
            assertThat(second.get(60, SECONDS)).as("it had not begun").isEqualTo(large.length);
            assertThat(third.get(60, SECONDS)).isEqualTo(3);
            assertThat(pool.statistics().workersLost()).isOne();
        }
    }

    @Test
    void anAnswerThatCannotBeReadFailsItsTaskAlone() throws Exception {
        try (ProcessPool pool = one().open()) {
            assertThatThrownBy(() -> pool.submit(Unreadable::new).get(60, SECONDS))
                    .cause()
                    .isInstanceOf(TaskSerializationException.class)
                    .hasMessageContaining("no room for this");
            assertThatThrownBy(() -> pool.submit(() -> {
                throw new UnreadableException();
            })
                    .get(60, SECONDS))
                    .cause()
                    .isInstanceOf(RemoteTaskException.class)
                    .hasMessageContaining("UnreadableException");
            assertThatThrownBy(() -> pool.submit(() -> {
                throw new NoStackException();
            })
                    .get(60, SECONDS))
                    .cause()
                    .isInstanceOf(RemoteTaskException.class)
                    .hasMessageContaining("has no stack");
            assertServes(pool);
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    // ---- callbacks ----

    @Test
    void aSlowCallbackCostsNoOtherTaskItsTimeOrItsWorker(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().grace(Duration.ofMillis(10)).open()) {
            assertServes(pool);
            TaskFuture<Integer> first = pool.submit(() -> {
                here.await("all are submitted");
                return 1;
            });
            var limit = TaskOptions.NONE.timeout(Duration.ofSeconds(2));
            TaskFuture<Integer> second = pool.submit(() -> 2, limit);
            TaskFuture<Long> third = pool.submit(() -> ProcessHandle.current().pid());
            // Longer than the limits of the second task and of an answer: the task has ended, but its answer is not
            // read.
            first.onDone(done -> sleep(Duration.ofSeconds(5)));
            here.set("all are submitted");
            assertThat(first.get(60, SECONDS)).isOne();
            assertThat(second.get(60, SECONDS)).isEqualTo(2);
            assertThat(third.get(60, SECONDS)).isPositive();
            assertThat(pool.statistics().workersLost()).isZero();
        }
    }

    @Test
    void whoIsCancelledAfterItHasEndedTakesNoOtherTaskDownWithIt(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().grace(Duration.ofMillis(10)).open()) {
            long worker = pool.submit(() -> ProcessHandle.current().pid()).get(60, SECONDS);
            TaskFuture<Integer> first = pool.submit(() -> {
                here.await("all are submitted");
                return 1;
            });
            TaskFuture<Integer> second = pool.submit(() -> 2);
            TaskFuture<Long> third = pool.submit(() -> ProcessHandle.current().pid());
            first.onDone(done -> {
                await("the second task has run, and nobody reads its answer").until(() -> RunState.hasRun(second));
                second.cancel(true);
                sleep(Duration.ofMillis(500)); // for the grace period to end
            });
            here.set("all are submitted");
            assertThat(third.get(60, SECONDS)).isEqualTo(worker);
            assertThat(second).isCancelled();
        }
    }

    private static void awaitQuietly(Signals signals, String name) {
        try {
            signals.await(name);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aCallbackMayLeaveAScopeWhoseTasksRun(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        try (ProcessPool pool = one().grace(Duration.ofMillis(10)).open()) {
            var thrown = new AtomicReference<Throwable>();
            var left = new CountDownLatch(1);
            pool.submit(() -> 1).onDone(done -> {
                try (var scope = TaskScope.open(pool)) {
                    scope.fork(() -> {
                        here.set("begun");
                        while (true) {
                            Thread.onSpinWait();
                        }
                    });
                    awaitQuietly(here, "begun");
                    throw new IllegalStateException("left by this");
                } catch (IllegalStateException e) {
                    thrown.set(e);
                } finally {
                    left.countDown();
                }
            });
            assertThat(left.await(60, SECONDS)).isTrue();
            assertThat(thrown.get()).hasMessage("left by this");
            assertServes(pool);
        }
    }

    /** The pool stops while one task has been answered, and the next is taken from the queue, and so cancelled. */
    @Test
    void aCallbackOfATaskThatIsCancelledMayWaitForTheOneBeforeIt(@TempDir Path folder) throws Exception {
        var here = new Signals(folder.toString());
        var waited = new CompletableFuture<Integer>();
        try (ProcessPool pool = one().open()) {
            TaskFuture<Integer> first = pool.submit(() -> {
                here.set("begun");
                here.await("the pool stops");
                return 1;
            });
            here.await("begun");
            TaskFuture<Integer> second = pool.submit(() -> 2);
            TaskFuture<Integer> third = pool.submit(() -> 3);
            third.onDone(done -> waited.complete(first.join()));
            second.onDone(done -> { // called by shutdownNow, which handles the other tasks only after this returns
                here.set("the pool stops");
                awaitQuietly(waited);
            });
            pool.shutdownNow();
            assertThat(waited.get(60, SECONDS)).isOne();
            assertThat(List.of(second, third)).allMatch(TaskFuture::isCancelled);
        }
    }

    private static void awaitQuietly(CompletableFuture<?> future) {
        try {
            future.get(10, SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            // the test sees it
        }
    }

    // ---- the worker's own streams ----

    @Test
    void aSubprocessThatInheritsStandardInputTakesNoTasks() throws Exception {
        try (ProcessPool pool = one().open()) {
            TaskFuture<Integer> eater = pool.submit(() -> {
                Process cat = new ProcessBuilder("cat").inheritIO().start();
                return cat.waitFor() >= 0 ? System.in.read() : 0;
            });
            List<TaskFuture<Integer>> others = new java.util.ArrayList<>();
            for (int i = 0; i < 20; i++) {
                int number = i;
                others.add(pool.submit(() -> number));
            }
            assertThat(eater.get(60, SECONDS)).isEqualTo(-1);
            for (int i = 0; i < 20; i++) {
                assertThat(others.get(i).get(60, SECONDS)).isEqualTo(i);
            }
        }
    }

    @Test
    void aListenerThatThrowsGetsTheNextLineAllTheSame() throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        try (ProcessPool pool = ProcessPool.builder()
                .workers(1)
                .heap("64m")
                .onLine((worker, error, line) -> {
                    lines.add(line);
                    throw new AssertionError("meant to be logged");
                })
                .open()) {
            pool.submit(() -> {
                System.out.println("one");
                System.out.println("two");
            }).get(60, SECONDS);
        }
        assertThat(lines).containsExactly("one", "two");
    }

    // ---- no workers ----

    @Test
    void whoHoldsTheCommonPoolHoldsNoWorkerUp() throws Exception {
        var over = new CountDownLatch(1);
        for (int i = 0; i <= ForkJoinPool.getCommonPoolParallelism(); i++) {
            ForkJoinPool.commonPool().execute(() -> awaitQuietly(over));
        }
        try {
            try (ProcessPool pool = one().jvmOptions("-XX:+NoSuchOption").open()) {
                TaskFuture<Integer> future = pool.submit(() -> 1);
                assertThatThrownBy(() -> future.get(60, SECONDS)).hasCauseInstanceOf(WorkerStartException.class);
            }
            try (ProcessPool pool = one().open()) {
                TaskFuture<?> killed = pool.submit(() -> Runtime.getRuntime().halt(1));
                assertThatThrownBy(() -> killed.get(60, SECONDS)).hasCauseInstanceOf(WorkerCrashedException.class);
                assertServes(pool);
            }
        } finally {
            over.countDown();
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
    void aWorkerThatEndedBeforeAnybodyWaitedForItIsNotReady() throws Exception {
        try (ProcessPool pool = one().jvmOptions("-XX:+NoSuchOption").open()) {
            WorkerJvm worker = pool.newWorker("early", new WorkerSlot(pool, "early"));
            ProcessHandle.of(worker.pid()).ifPresent(handle -> handle.onExit().join());
            assertThat(worker.awaitReady()).isFalse();
            assertThat(worker.bury().exitCode()).isEqualTo(1);
        }
    }

    @Test
    void aRetriedTaskOfAPoolThatCannotStartWorkersFails() throws Exception {
        try (ProcessPool pool = one().jvmOptions("-XX:+NoSuchOption").open()) {
            TaskFuture<Integer> early = pool.submit(() -> 1, TaskOptions.NONE.retry(Retry.forever()));
            assertThatThrownBy(() -> early.get(60, SECONDS)).hasCauseInstanceOf(WorkerStartException.class);
            for (Retry retry : List.of(
                    Retry.forever(), Retry.attempts(100_000),
                    Retry.forever().waiting(Backoff.fixed(Duration.ofDays(1))))) {
                TaskFuture<Integer> late = pool.submit(() -> 1, TaskOptions.NONE.retry(retry));
                assertThatThrownBy(() -> late.get(60, SECONDS)).hasCauseInstanceOf(WorkerStartException.class);
            }
        }
    }

    @Test
    void aCallbackMayWaitForAnotherTaskOfAPoolThatCannotStartWorkers() throws Exception {
        try (ProcessPool pool = ProcessPool.builder()
                .workers(2)
                .jvmOptions("-XX:+NoSuchOption")
                .output(WorkerOutput.DISCARD)
                .open()) {
            TaskFuture<Integer> first = pool.submit(() -> 1);
            TaskFuture<Integer> second = pool.submit(() -> 2);
            TaskFuture<Integer> third = pool.submit(() -> 3);
            var waited = first.handle((value, thrown) -> second.handle((v, t) -> t).join());
            assertThat(waited.get(60, SECONDS)).isInstanceOf(WorkerStartException.class);
            assertThatThrownBy(() -> third.get(60, SECONDS)).hasCauseInstanceOf(WorkerStartException.class);
        }
    }
}
