package dev.sennit.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Short schedules under the agent, as users have it. */
@Timeout(120)
class ShortSchedulesIT {
    /** Says of each body how long its schedule is, and how often the text repeats it. */
    public static final class Program {
        public static void main(String[] arguments) {
            say(new MemoryPointsTest.PlainCounter());
            say(new MemoryPointsTest.LocksInDifferentOrder());
            say(new ShortSchedulesTest.LostWakeUp());
            say(new SpuriousBodies.AwaitOnce());
        }

        private static void say(ScheduleExplorer.Body body) {
            try {
                ScheduleExplorer.of(10_000).explore(body);
            } catch (ScheduleFailure found) {
                String schedule = Objects.requireNonNull(found.schedule());
                ScheduleTrace.Size size = ScriptTest.run(body, Script.parse(schedule)).trace().size();
                int again = 0;
                for (int i = 0; i < 10; i++) {
                    try {
                        ScheduleExplorer.of(1).replay(schedule, body);
                    } catch (ScheduleFailure repeated) {
                        again += repeated.interleaving().equals(found.interleaving()) ? 1 : 0;
                    }
                }
                System.out.println(body.getClass().getSimpleName() + ": " + size.preemptions() + " preemptions, "
                        + size.wakes() + " wakes, " + again + " times again");
            }
        }
    }

    @Test
    void theyAreAsShortAsWithoutIt(@TempDir Path folder) throws Exception {
        String printed = AgentRun.of(folder).program(
                Program.class, MemoryPointsTest.class.getName(), ShortSchedulesTest.class.getName(),
                SpuriousBodies.class.getName());

        assertThat(printed.lines()).containsExactlyElementsOf(List.of(
                "PlainCounter: 1 preemptions, 0 wakes, 10 times again",
                "LocksInDifferentOrder: 1 preemptions, 0 wakes, 10 times again",
                "LostWakeUp: 1 preemptions, 0 wakes, 10 times again",
                "AwaitOnce: 0 preemptions, 1 wakes, 10 times again"));
    }
}
