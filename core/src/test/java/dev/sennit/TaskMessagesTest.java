package dev.sennit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not for tasks of every kind: see {@code PoolContract} for those. */
@Timeout(60)
class TaskMessagesTest {
    private static boolean say(String text) {
        return TaskMessages.send(text.getBytes(UTF_8));
    }

    private static TaskOptions into(List<String> heard) {
        return TaskOptions.NONE.onMessage(message -> heard.add(new String(message, UTF_8)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "threads:1?backlog=1&full=caller-runs", "virtual", "loop"})
    void outsideOfATaskThereIsNobody(String plan) throws Exception {
        assertThat(say("outside")).isFalse();
        assertThat(TaskStop.isRequested()).isFalse();
        assertThat(TaskStop.signal().getAsBoolean()).isFalse();
        assertThatIllegalArgumentException().isThrownBy(() -> TaskMessages.send(new byte[(1 << 20) + 1]))
                .withMessage("message must have at most 1048576 bytes, had 1048577");
        assertThatNullPointerException().isThrownBy(() -> TaskMessages.send(null));
        assertThatNullPointerException().isThrownBy(() -> TaskOptions.NONE.onMessage(null));

        List<String> heard = new ArrayList<>();
        try (Pool pool = Pools.open(plan)) {
            pool.submit(() -> {
                var wasHeard = new CompletableFuture<Boolean>();
                Thread.ofPlatform().start(() -> wasHeard.complete(say("of a thread of its own"))).join();
                assertThat(wasHeard.join()).isFalse();
                assertThat(say("in the task")).isTrue();
            }, into(heard)).get();
            var inCallback = new CompletableFuture<Boolean>();
            var goesOn = new CountDownLatch(plan.equals("inline") ? 0 : 1);
            pool.submit(() -> {
                goesOn.await();
                return 1;
            }, into(heard)).onDone(future -> inCallback.complete(say("in a callback") || TaskStop.isRequested()));
            goesOn.countDown();
            assertThat(inCallback.get()).isFalse();
        }
        assertThat(heard).containsExactly("in the task");
        assertThat(say("outside")).isFalse();
    }

    /** Else one that passes messages on would get its own. */
    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "virtual", "loop"})
    void aListenerIsOutsideOfTheTask(String plan) throws Exception {
        List<String> heard = new ArrayList<>();
        try (Pool pool = Pools.open(plan)) {
            var options = TaskOptions.NONE.onMessage(message -> {
                heard.add(new String(message, UTF_8));
                heard.add("passed on: " + TaskMessages.send(message) + ", stop: " + TaskStop.isRequested());
            });
            pool.submit(() -> say("one") & say("two"), options).get();
        }
        assertThat(heard).containsExactly("one", "passed on: false, stop: false", "two",
                "passed on: false, stop: false");
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "virtual", "loop"})
    void theArrayIsTheListenersOwn(String plan) throws Exception {
        var heard = new ArrayList<byte[]>();
        byte[] again = {1};
        try (Pool pool = Pools.open(plan)) {
            pool.submit(() -> {
                TaskMessages.send(again);
                again[0] = 2;
                return TaskMessages.send(again);
            }, TaskOptions.NONE.onMessage(heard::add)).get();
        }
        assertThat(heard).containsExactly(new byte[] {1}, new byte[] {2});
    }

    /** The chunks of a map run inside of a task that waits for it: what they say is not that task's. */
    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:1", "virtual:1", "loop:1"})
    void theItemsOfAMapSpeakToNobody(String plan) throws Exception {
        List<String> heard = new ArrayList<>();
        try (Pool pool = Pools.open(plan)) {
            List<Boolean> said = pool.submit(() -> {
                say("before");
                List<Boolean> items = pool.map(item -> say("item"), List.of(1, 2, 3));
                say("after");
                return items;
            }, into(heard)).get();
            assertThat(said).containsExactly(false, false, false);
            TaskFuture<List<Boolean>> map = pool.mapAsync(item -> TaskStop.isRequested() | say("item"), List.of(1, 2));
            map.requestStop();
            assertThat(map.get()).containsExactly(false, false);
        }
        assertThat(heard).containsExactly("before", "after");
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:1", "virtual:1", "loop:1"})
    void eachTaskOfAThreadHearsOfItsOwnRequest(String plan) throws Exception {
        try (Pool pool = Pools.open(plan)) {
            var began = new CountDownLatch(1);
            var signal = new AtomicReference<BooleanSupplier>();
            TaskFuture<Boolean> first = pool.submit(() -> {
                began.countDown();
                signal.set(TaskStop.signal());
                while (!TaskStop.isRequested()) {
                    Thread.onSpinWait();
                }
                return signal.get().getAsBoolean();
            });
            began.await();
            TaskFuture<Boolean> second = pool.submit(() -> TaskStop.isRequested());
            TaskFuture<Boolean> third = pool.submit(() -> TaskStop.isRequested());
            third.requestStop();
            first.requestStop();
            first.requestStop();
            assertThat(first.get()).isTrue();
            assertThat(second.get()).isFalse();
            assertThat(third.get()).isTrue();
            second.requestStop();
            assertThat(pool.submit(() -> TaskStop.isRequested()).get()).isFalse();
        }
    }
}
