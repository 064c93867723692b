package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Pool;
import dev.sennit.PoolStatistics;
import dev.sennit.observe.TaskEvent.Kind;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Counts events by pool, and sees that each task makes its steps in their order. */
final class EventCount {
    private enum Step {
        WAITS,
        RUNS,
        ENDED
    }

    private final Map<String, Map<Kind, Long>> counts = new HashMap<>();
    private final Map<Long, Step> steps = new HashMap<>();
    private final Map<String, Long> underWay = new HashMap<>();

    private final Map<String, Set<String>> workers = new HashMap<>();
    private final Map<String, Long> lost = new HashMap<>();
    private final Set<String> open = new HashSet<>();

    void add(TaskEvent event) {
        counts.computeIfAbsent(event.pool(), _ -> new EnumMap<>(Kind.class)).merge(event.kind(), 1L, Long::sum);
        if (event.kind() != Kind.POOL_OPENED) {
            assertThat(open).as("%s comes while its pool is open", event).contains(event.pool());
        }
        if (!event.kind().isOfTask()) {
            assertThat(event.task()).isZero();
            addOfPool(event);
            return;
        }
        Step before = steps.get(event.task());
        switch (event.kind()) {
            case SUBMITTED -> {
                assertThat(before).as("%s is the first", event).isNull();
                steps.put(event.task(), Step.WAITS);
                underWay.merge(event.pool(), 1L, Long::sum);
            }
            case SUCCEEDED, FAILED, CANCELLED -> {
                assertThat(before).as("%s is the only end", event).isIn(Step.WAITS, Step.RUNS);
                steps.put(event.task(), Step.ENDED);
                underWay.merge(event.pool(), -1L, Long::sum);
            }
            case BEGUN -> {
                assertThat(before).as("%s comes after the submission", event).isNotNull();
                if (before != Step.ENDED) { // it may have been cancelled meanwhile
                    assertThat(before).as("%s is the only one", event).isEqualTo(Step.WAITS);
                    steps.put(event.task(), Step.RUNS);
                }
            }
            case HANDED_BACK -> {
                if (before != Step.ENDED) {
                    assertThat(before).as("%s comes after the begin", event).isEqualTo(Step.RUNS);
                    steps.put(event.task(), Step.WAITS);
                }
            }
            case RETRIED, RUN_OVER -> assertThat(before).as("%s comes after the submission", event).isNotNull();
            case PROGRESS -> {} // a map's has no other events
            default -> throw new AssertionError(event);
        }
    }

    private void addOfPool(TaskEvent event) {
        Set<String> up = workers.computeIfAbsent(event.pool(), _ -> new HashSet<>());
        switch (event.kind()) {
            case POOL_OPENED -> assertThat(open.add(event.pool())).as("%s is the only one", event).isTrue();
            case POOL_CLOSED -> {
                assertThat(up).as("workers at %s", event).isEmpty();
                open.remove(event.pool());
            }
            case WORKER_STARTED ->
                assertThat(up.add(event.worker().orElseThrow())).as("%s is the only one", event).isTrue();
            case WORKER_ENDED -> {
                assertThat(up.remove(event.worker().orElseThrow())).as("%s is of one that started", event).isTrue();
                event.failure().ifPresent(_ -> lost.merge(event.pool(), 1L, Long::sum));
            }
            default -> throw new AssertionError(event);
        }
    }

    /** The workers that have started and not ended. */
    Set<String> workersOf(Pool pool) {
        return workers.getOrDefault(pool.name(), Set.of());
    }

    private long of(Pool pool, Kind kind) {
        return counts.getOrDefault(pool.name(), Map.of()).getOrDefault(kind, 0L);
    }

    /** The pool is closed. */
    void ensureAgrees(Pool pool) {
        PoolStatistics seen = pool.statistics();
        assertThat(of(pool, Kind.SUBMITTED)).as("submitted to %s", pool).isEqualTo(seen.submitted());
        assertThat(of(pool, Kind.SUCCEEDED)).as("succeeded on %s", pool).isEqualTo(seen.succeeded());
        assertThat(of(pool, Kind.FAILED)).as("failed on %s", pool).isEqualTo(seen.failed());
        assertThat(of(pool, Kind.CANCELLED)).as("cancelled on %s", pool).isEqualTo(seen.cancelled());
        assertThat(of(pool, Kind.RETRIED)).as("retried on %s", pool).isEqualTo(seen.retried());
        assertThat(underWay.getOrDefault(pool.name(), 0L)).as("under way on %s", pool).isZero();
        assertThat(lost.getOrDefault(pool.name(), 0L)).as("lost by %s", pool).isEqualTo(seen.workersLost());
        assertThat(of(pool, Kind.POOL_OPENED)).as("openings of %s", pool).isEqualTo(1);
        assertThat(of(pool, Kind.POOL_CLOSED)).as("ends of %s", pool).isEqualTo(1);
        assertThat(of(pool, Kind.WORKER_ENDED)).as("ended workers of %s", pool)
                .isEqualTo(of(pool, Kind.WORKER_STARTED));
    }
}
