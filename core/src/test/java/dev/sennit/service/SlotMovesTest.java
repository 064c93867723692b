package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Backoff;
import dev.sennit.testing.VirtualClock;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for a slot whatever happens to it, in seeded lives of random events, by a clock that the test moves. */
class SlotMovesTest {
    private static final Duration HOUR = Duration.ofHours(1);

    /** The life of a slot: random processes, orders and pauses, the same for the same seed. */
    private static final class Life {
        private final VirtualClock clock = VirtualClock.standing(Instant.parse("2026-01-01T00:00:00Z"));
        private final FakeProcesses processes = new FakeProcesses();
        private final Random random;
        /** Null if the wall clock stands as the other does. */
        private final @Nullable Random wall;
        private final ServiceSettings settings;
        private final Slot slot;
        /** What the slot told, and how long it wanted to wait. */
        private final List<String> told = new ArrayList<>();
        /** The states that followed each state. */
        private final Map<SlotState, TreeSet<SlotState>> moves = new TreeMap<>();
        private Order order;
        private long generations = 1;
        private long memory;

        /** Begins one; its wall clock is set between any two steps if that is wanted. */
        Life(long seed, boolean setsWallClock) {
            random = new Random(seed);
            wall = setsWallClock ? new Random(seed) : null;
            settings = ServiceSettings.of("printer", me -> {})
                    .kind(random.nextBoolean() ? ServiceKind.ALWAYS : ServiceKind.ON_FAILURE)
                    .startLimit(Duration.ofSeconds(3))
                    .stopLimit(Duration.ofSeconds(2))
                    .heartbeatLimit(Duration.ofSeconds(2))
                    .maxAge(Duration.ofMinutes(1))
                    .maxWork(50)
                    .maxMemory("100m")
                    .deaths(1 + random.nextInt(4), Duration.ofMinutes(1),
                            random.nextBoolean() ? Escalation.FAIL : Escalation.KEEP_TRYING)
                    .backoff(Backoff.exponential(Duration.ofSeconds(1)).atMost(Duration.ofSeconds(8)))
                    .build();
            order = new Order(processes.generation(1, settings), true, random.nextBoolean(), true, 0, 0);
            slot = new Slot("printer", 0, order, clock, random, pid -> memory, new Slot.Listener() {
                @Override
                public void happened(ServiceEvent event) {
                    told.add(event.kind() + " " + event.pid() + " " + event.why());
                }

                @Override
                public void gaveUp(Slot of, Generation generation, String why) {
                    told.add("gave up " + generation.number() + ": " + why);
                }

                @Override
                public void failed(Slot of, Escalation escalation) {
                    told.add(escalation.toString());
                }
            }, () -> {});
        }

        void live(int events) {
            for (int i = 0; i < events; i++) {
                List<FakeProcesses.Fake> alive = processes.alive();
                FakeProcesses.Fake one = alive.isEmpty() ? null : alive.get(random.nextInt(alive.size()));
                switch (random.nextInt(14)) {
                    case 0 -> order = ordered(processes.generation(++generations, settings), 0);
                    case 1 -> order = ordered(order.generation(), 1);
                    case 2, 3 -> order = ordered(order.generation(), 0);
                    case 4, 5, 6 -> ready(one);
                    case 7 -> end(one);
                    case 8 -> work(one);
                    case 9 -> processes.obstacle = random.nextInt(3) == 0 ? new IOException("none to be had") : null;
                    case 10 -> memory = random.nextInt(4) == 0 ? 200 << 20 : 0;
                    default -> clock.advance(Duration.ofMillis(random.nextInt(1500)));
                }
                slot.order(order);
                if (random.nextInt(4) > 0) { // else the next step finds two things that have happened
                    step();
                }
            }
        }

        private Order ordered(Generation generation, int restarts) {
            return new Order(generation, random.nextInt(4) > 0, random.nextInt(4) > 0, random.nextInt(3) > 0,
                    order.restarts() + restarts, order.reloads());
        }

        private static void ready(FakeProcesses.@Nullable Fake one) {
            if (one != null) {
                one.ready();
            }
        }

        private void end(FakeProcesses.@Nullable Fake one) {
            int code = random.nextInt(3);
            if (one != null) {
                one.end(code);
            }
        }

        private void work(FakeProcesses.@Nullable Fake one) {
            int pieces = random.nextInt(20);
            if (one != null) {
                one.beat();
                one.worked(pieces);
            }
        }

        private void step() {
            SlotState before = slot.status().state();
            if (wall != null) {
                clock.set(clock.now().plus(wall.nextBoolean() ? HOUR : HOUR.negated()));
            }
            told.add("waits " + slot.step());
            SlotState now = slot.status().state();
            if (now != before) {
                moves.computeIfAbsent(before, state -> new TreeSet<>()).add(now);
            }
        }
    }

    /** Each move that the states have on paper is made, and no other. */
    @Test
    void theMovesFromStateToStateAreThese() {
        Map<SlotState, TreeSet<SlotState>> moves = new TreeMap<>();
        for (int seed = 0; seed < 200; seed++) {
            var life = new Life(seed, false);
            life.live(500);
            life.moves.forEach((from, to) -> moves.computeIfAbsent(from, state -> new TreeSet<>()).addAll(to));
        }
        StringBuilder table = new StringBuilder();
        moves.forEach((from, to) -> table.append(from).append(" -> ").append(to).append('\n'));
        assertThat(table.toString()).isEqualTo("""
                WAITING -> [STARTING, STOPPED, FAILED]
                STARTING -> [WAITING, READY, DRAINING, STOPPED, FAILED]
                READY -> [WAITING, STARTING, DRAINING, STOPPED, FAILED]
                DRAINING -> [WAITING, STARTING, STOPPED, FAILED]
                STOPPED -> [WAITING, STARTING, FAILED]
                FAILED -> [WAITING, STARTING, STOPPED]
                """);
    }

    /** Limits, pauses and ages run on monotonic time: a wall clock that is set back or forward changes nothing. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void aWallClockThatIsSetByAnHourBetweenAnyTwoStepsChangesNothing(long seed) {
        var steady = new Life(seed, false);
        steady.live(2000);
        var jumping = new Life(seed, true);
        jumping.live(2000);
        assertThat(jumping.told).isEqualTo(steady.told);
        assertThat(steady.told).anyMatch(line -> line.contains("was not ready within"))
                .anyMatch(line -> line.contains("gave no heartbeat"))
                .anyMatch(line -> line.startsWith("KILLED"));
    }
}
