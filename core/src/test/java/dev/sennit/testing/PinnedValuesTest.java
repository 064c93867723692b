package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Values that differ between two runs, in schedules. */
@Timeout(60)
class PinnedValuesTest {
    /** A generator whose constructor calls that of {@code Random}. */
    static class Dice extends Random {
        private static final long serialVersionUID = 1L;
    }

    /** Has the hash code of {@code Object} by a call of it. */
    static class Hashed {
        @Override
        public int hashCode() {
            return super.hashCode();
        }
    }

    static class Asks implements ScheduleExplorer.Body {
        @Override
        public void run() throws InterruptedException {
            Thread one = Thread.startVirtualThread(() -> ask("one"));
            Thread other = Thread.startVirtualThread(() -> ask("other"));
            one.join();
            other.join();
            ask("body");
        }

        private static void ask(String who) {
            Outcomes.add(who + " " + new Random().nextLong() + " " + new Random().nextLong() + " "
                    + new SplittableRandom().nextLong() + " " + new Dice().nextInt() + " " + Math.random() + " "
                    + Thread.currentThread().threadId());
        }
    }

    @Test
    void eachThreadGetsTheSameInEverySchedule() {
        Outcomes.begin();
        assertThat(ScheduleExplorer.of(500).explore(PointsLoader.body(Asks.class)).repeatable()).isTrue();
        assertThat(Outcomes.seen()).hasSize(3);
    }

    @Test
    void generatorsOfOneThreadDiffer() {
        Outcomes.begin();
        ScheduleExplorer.of(1).explore(PointsLoader.body(Asks.class));
        for (String seen : Outcomes.seen().keySet()) {
            assertThat(seen.split(" ")).as(seen).doesNotHaveDuplicates();
        }
    }

    static class Hashes implements ScheduleExplorer.Body {
        @Override
        public void run() {
            Object one = new Object();
            Object other = new Hashed();
            if (one.hashCode() != System.identityHashCode(one) || other.hashCode() != System.identityHashCode(other)) {
                throw new AssertionError("an object has one hash code");
            }
            if ("text".hashCode() != 3556653 || ((Object) "text").hashCode() != 3556653) {
                throw new AssertionError("a text has its own");
            }
            Outcomes.add(one.hashCode() + " " + other.hashCode() + " " + System.identityHashCode(null));
        }
    }

    @Test
    void objectsHaveTheSameHashCodesInEverySchedule() {
        Outcomes.begin();
        ScheduleExplorer.of(20).explore(PointsLoader.body(Hashes.class));
        assertThat(Outcomes.seen()).hasSize(1);
        assertThat(Outcomes.seen().firstKey()).endsWith(" 0");
    }

    /** Fails when a random number and a race meet. */
    static class Gambles implements ScheduleExplorer.Body {
        private int won;

        @Override
        public void run() throws InterruptedException {
            var game = new Gambles();
            Runnable plays = () -> {
                int times = 1 + new Random().nextInt(4);
                for (int i = 0; i < times; i++) {
                    game.won++;
                }
                for (int i = 0; i < times; i++) {
                    game.won--;
                }
            };
            Thread one = Thread.startVirtualThread(plays);
            Thread other = Thread.startVirtualThread(plays);
            one.join();
            other.join();
            Together.check(game.won == 0, game.won);
        }
    }

    @Test
    void aScheduleThatDependsOnThemIsRepeated() {
        ScheduleExplorer explorer = ScheduleExplorer.of(10_000);
        ScheduleExplorer.Body body = PointsLoader.body(Gambles.class);
        ScheduleFailure found = catchThrowableOfType(ScheduleFailure.class, () -> explorer.explore(body));
        assertThat(found.isRepeatable()).as(found.getMessage()).isTrue();
        assertThat(found).hasMessageContaining("\nthe same in every schedule: random numbers\n");
        for (int i = 0; i < 10; i++) {
            ScheduleFailure again =
                    catchThrowableOfType(ScheduleFailure.class, () -> explorer.replay(found.seed(), body));
            assertThat(again.interleaving()).isEqualTo(found.interleaving());
            again = catchThrowableOfType(ScheduleFailure.class, () -> explorer.replay(found.schedule(), body));
            assertThat(again.interleaving()).isEqualTo(found.interleaving());
        }
    }

    @Test
    void otherThreadsGetWhatTheyAskFor() {
        assertThat(PinnedValues.seed()).isNotEqualTo(PinnedValues.seed());
        assertThat(PinnedValues.random()).isBetween(0.0, 1.0).isNotEqualTo(PinnedValues.random());
        var object = new Object();
        assertThat(PinnedValues.identityHashCode(object)).isEqualTo(System.identityHashCode(object));
        assertThat(PinnedValues.hashCode("text")).isEqualTo("text".hashCode());
        assertThat(PinnedValues.threadId(Thread.currentThread())).isEqualTo(Thread.currentThread().threadId());
    }
}
