package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.conformance.internal.Tenant;
import dev.sennit.internal.ScopedValueBindings;
import dev.sennit.loop.EventLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is carried with tasks in this JVM; what every kind carries is in {@link PoolCallersContract}. */
class TaskContextTest {
    private static final ScopedValue<String> USER = ScopedValue.newInstance();
    private static final ScopedValue<Integer> DEPTH = ScopedValue.newInstance();

    // ---- registered contexts ----

    @Test
    void aTaskWithNothingToCarryStaysAsItIs() {
        Task<Integer> task = () -> 5;
        try (Pool pool = Pools.open("threads:1");
                var loop = EventLoop.open();
                var _ = TaskContext.register(new Tenant())) {
            assertThat(bodyOf(pool, task)).isSameAs(task);
            assertThat(bodyOf(loop, task)).isSameAs(task);
        }
    }

    private static Callable<?> bodyOf(Pool pool, Task<?> task) {
        return AbstractPool.of(pool).newInContext(task, TaskOptions.NONE).body();
    }

    @Test
    void theClassOfATaskIsTheOneThatWasWritten() throws Exception {
        Runnable runnable = () -> {};
        try (Pool pool = Pools.open("threads:1"); var _ = TaskContext.register(new Tenant())) {
            Tenant.as("blue", () -> {
                Submission<?> submission =
                        AbstractPool.of(pool).newInContext(RunnableTask.of(runnable), TaskOptions.NONE);
                assertThat(submission.body()).isInstanceOf(InContext.class);
                assertThat(submission.writtenClass()).isEqualTo(runnable.getClass());
                assertThat(submission.asRunnable()).isSameAs(runnable);
            });
        }
    }

    @Test
    void theFirstRegisteredIsTheOutermostAndEndsAlone() throws Exception {
        List<String> log = new ArrayList<>();
        try (Pool pool = Pools.open("inline"); var _ = TaskContext.register(new Logging("first", log))) {
            var second = TaskContext.register(new Logging("second", log));
            try (second) {
                pool.submit(() -> log.add("task")).join();
                assertThat(log).containsExactly("first", "second", "task", "after second", "after first");
            }
            log.clear();
            second.close();
            pool.submit(() -> log.add("task")).join();
            assertThat(log).containsExactly("first", "task", "after first");
        }
    }

    private record Logging(String name, List<String> log) implements TaskContext<Thread> {
        @Override
        public Thread capture() {
            return Thread.currentThread();
        }

        @Override
        public <T> T around(Thread captured, Callable<T> body) throws Exception {
            if (captured != Thread.currentThread()) {
                return body.call(); // of another test
            }
            log.add(name);
            try {
                return body.call();
            } finally {
                log.add("after " + name);
            }
        }
    }

    // ---- scoped values that are inherited ----

    @Test
    void theBindingsCanBeReadHere() {
        assertThat(ScopedValueBindings.ofThisThread()).isNull();
        ScopedValue.where(USER, "Ada").run(() -> assertThat(ScopedValueBindings.ofThisThread()).isNotNull());
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:2", "virtual", "virtual:2", "loop", "loop?mechanism=baton"})
    void aForkedTaskInheritsWhatIsBound(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            ScopedValue.where(USER, "hidden").where(DEPTH, 1).call(() -> ScopedValue.where(USER, "Ada").call(() -> {
                try (var scope = TaskScope.open(pool)) {
                    TaskFuture<String> child = scope.fork(() -> USER.get() + DEPTH.get());
                    TaskFuture<String> grandchild = scope.fork(() -> {
                        try (var inner = TaskScope.open(pool)) {
                            TaskFuture<String> forked =
                                    ScopedValue.where(DEPTH, 2).call(() -> inner.fork(() -> USER.get() + DEPTH.get()));
                            inner.join();
                            return forked.resultNow() + DEPTH.get();
                        }
                    });
                    scope.join();
                    assertThat(child.resultNow()).isEqualTo("Ada1");
                    assertThat(grandchild.resultNow()).isEqualTo("Ada21");
                }
                return null;
            }));
            try (var scope = TaskScope.open(pool)) {
                TaskFuture<Boolean> unbound = scope.fork(() -> USER.isBound());
                scope.join();
                assertThat(unbound.resultNow()).isFalse();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"loop", "loop?mechanism=baton"})
    void aCoroutineInheritsWhatIsBound(String plan) throws Exception {
        try (Pool loop = Pools.open(plan)) {
            ScopedValue.where(USER, "Ada").call(() -> {
                assertThat(loop.submit(() -> USER.get()).get()).isEqualTo("Ada");
                assertThat(loop.submit(() -> loop.submit(() -> USER.get()).get()).get()).isEqualTo("Ada");
                assertThat(loop.map(n -> USER.get() + n, List.of(1, 2))).containsExactly("Ada1", "Ada2");
                assertThat(loop.mapAsync(n -> USER.get() + n, List.of(1, 2)).get()).containsExactly("Ada1", "Ada2");
                return null;
            });
            assertThat(loop.submit(() -> USER.isBound()).get()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"loop", "loop?mechanism=baton"})
    void whatACoroutineHasDoneElsewhereInheritsFromIt(String plan) throws Exception {
        try (EventLoop loop = (EventLoop) Pools.open(plan)) {
            ScopedValue.where(USER, "Ada").call(() -> {
                assertThat(loop.submit(() -> loop.offload(() -> USER.get()).get()).get()).isEqualTo("Ada");
                List<String> seen = new ArrayList<>();
                loop.submit(() -> loop.offload(() -> {
                    seen.add(USER.get());
                }).get()).get();
                assertThat(seen).containsExactly("Ada");
                return null;
            });
        }
    }

    /** A task may outlive what is bound where it was submitted, and so has nothing of it. */
    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual"})
    void aSubmittedTaskDoesNotInherit(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            assertThat(ScopedValue.where(USER, "Ada").call(() -> pool.submit(() -> USER.isBound()).get())).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual", "loop"})
    void aForkedTaskDoesNotTakeItselfForAPartOfTheBlockThatForkedIt(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            CancelScope around = CancelScope.within(Duration.ofDays(1));
            around.run(() -> {
                try (var scope = TaskScope.open(pool)) {
                    var waits = new CountDownLatch(1);
                    TaskFuture<Boolean> limited = ScopedValue.where(USER, "Ada").call(() -> scope.fork(() -> {
                        boolean isLimited = CancelScope.remaining().isPresent();
                        CancelScope.open().shielded().run(() -> { // would hold back what is cancelled around the forker
                            waits.countDown();
                            assertThat(USER.get()).isEqualTo("Ada");
                        });
                        return isLimited;
                    }));
                    assertThat(waits.await(30, TimeUnit.SECONDS)).isTrue();
                    scope.join();
                    assertThat(limited.resultNow()).isFalse();
                }
            });
        }
    }
}
