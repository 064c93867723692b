package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.FailingBackend;
import dev.sennit.conformance.internal.Conditions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // a backend is in use by being open
class StartLimitTest {
    private final List<String> started = new ArrayList<>();
    private final List<String> failed = new ArrayList<>();
    private boolean works = true;

    private StartLimit<String> limit(int most) {
        return new StartLimit<>(
                most,
                task -> {
                    if (!works) {
                        throw new OutOfMemoryError("no thread");
                    }
                    started.add(task);
                },
                task -> !task.startsWith("dropped"),
                (task, why) -> failed.add(task + ": " + why.getMessage()));
    }

    private static void add(StartLimit<String> limit, String... tasks) {
        for (String task : tasks) {
            limit.add(task);
        }
    }

    @Test
    void startsInTheOrderTheyCame() {
        StartLimit<String> limit = limit(1);
        add(limit, "a", "dropped", "b", "c");
        assertThat(started).containsExactly("a");
        limit.ended();
        limit.ended();
        limit.ended();
        assertThat(started).containsExactly("a", "b", "c");
        assertThat(limit.waiting()).isEmpty();
    }

    @Test
    void startsAsManyAsThereAreSlots() {
        StartLimit<String> limit = limit(2);
        add(limit, "a", "b", "c");
        assertThat(started).containsExactly("a", "b");
    }

    @Test
    void whatCannotBeStartedWaitsForTheEndOfAnother() {
        StartLimit<String> limit = limit(2);
        add(limit, "a", "b", "c", "d", "e");
        works = false;
        limit.ended();
        assertThat(failed).isEmpty();
        assertThat(limit.waiting()).containsExactly("c", "d", "e");
        works = true;
        limit.ended();
        assertThat(started).containsExactly("a", "b", "c", "d");
    }

    /** What is under way may wait for what is not. */
    @Test
    void whatCannotBeStartedIsTriedAgainAlsoIfNoneEnds() {
        List<String> later = Collections.synchronizedList(new ArrayList<>());
        var refusals = new AtomicInteger(3);
        var limit = new StartLimit<String>(
                2,
                task -> {
                    if (task.equals("b") && refusals.getAndDecrement() > 0) {
                        throw new OutOfMemoryError("no thread");
                    }
                    later.add(task);
                },
                task -> true,
                (task, why) -> failed.add(task));
        add(limit, "a", "b");
        Conditions.await("another try").until(() -> later.contains("b"));
        assertThat(later).containsExactly("a", "b");
        assertThat(failed).isEmpty();
    }

    @Test
    void whatCannotBeStartedFailsWhereThereIsNoTimerEither() {
        StartLimit<String> limit = limit(2);
        add(limit, "a");
        works = false;
        try (var _ = FailingBackend.withoutTimers()) {
            limit.add("b");
        }
        assertThat(failed).containsExactly("b: no thread");
        assertThat(limit.waiting()).isEmpty();
    }

    @Test
    void whatNoOtherWouldStartFails() {
        StartLimit<String> limit = limit(1);
        add(limit, "a", "b", "c");
        works = false;
        limit.ended();
        assertThat(failed).containsExactly("b: no thread", "c: no thread");
        works = true;
        limit.add("d");
        assertThat(started).containsExactly("a", "d");
    }
}
