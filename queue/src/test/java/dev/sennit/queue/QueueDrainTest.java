package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.memory.MemoryBroker;
import dev.sennit.testing.VirtualClock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class QueueDrainTest {
    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final MemoryBroker broker = new MemoryBroker(clock);
    private final TaskQueue queue = TaskQueue.over(broker);
    private final List<String> seen = new ArrayList<>();
    private final TaskType<String, Integer> notes = TaskType.of("notes", String.class, text -> {
        seen.add(text);
        return text.length();
    });

    @AfterEach
    void close() {
        queue.close();
        broker.close();
    }

    @Test
    void runsAllThatThereIsInItsOrderAndTime() {
        queue.enqueue(notes, "later", SubmitOptions.NONE.delay(Duration.ofDays(2)));
        queue.enqueue(notes, "second");
        queue.enqueue(notes, "first", SubmitOptions.NONE.priority(9));
        queue.enqueue(notes, "other", SubmitOptions.NONE.queue("other").delay(Duration.ofDays(1)));
        QueueDrain.Drained drained = QueueDrain.run(broker, clock, notes);
        assertThat(seen).containsExactly("first", "second", "other", "later");
        assertThat(drained.succeeded()).isEqualTo(4);
        assertThat(drained.runs()).isEqualTo(4);
        assertThat(drained.passed()).isEqualTo(Duration.ofDays(2));
        assertThat(QueueDrain.run(broker, clock, notes)).isEqualTo(
                new QueueDrain.Drained(0, 0, 0, 0, 0, Duration.ZERO));
    }

    @Test
    void retriesGivesBackAndFollows() {
        TaskType<Integer, Integer> steps = TaskType.of("steps", Integer.class, (most, run) -> {
            int step = run.checkpoint(int.class).orElse(0);
            if (run.failures() == 0) {
                throw new IOException("once");
            }
            if (step < most) {
                run.checkpoint(step + 1);
                throw run.giveBack();
            }
            run.enqueue(notes, "after " + step);
            return step;
        });
        queue.enqueue(steps, 3, SubmitOptions.NONE.retry(RetryPolicy.attempts(2).waiting(Duration.ofHours(1))
                .jitter(0)));
        TaskType<String, Integer> fails = TaskType.of("fails", String.class, text -> {
            throw new IOException(text);
        });
        queue.enqueue(fails, "");
        QueueDrain.Drained drained = QueueDrain.run(broker, clock, steps, notes, fails);
        assertThat(drained).isEqualTo(new QueueDrain.Drained(2, 1, 1, 3, 0, Duration.ofHours(1)));
        assertThat(seen).containsExactly("after 3");
    }

    @Test
    void leavesWhatIsPausedOrUnknownAndKeepsToRates() {
        queue.enqueue(notes, "paused", SubmitOptions.NONE.queue("paused"));
        broker.pause(new Scope(Scope.Kind.QUEUE, "paused"));
        queue.enqueue(TaskType.named("unknown", String.class, String.class), "x");
        broker.limit("notes", Rate.of(1, Duration.ofMinutes(1)));
        for (int i = 0; i < 3; i++) {
            queue.enqueue(notes, "" + i);
        }
        QueueDrain.Drained drained = QueueDrain.run(broker, clock, notes);
        assertThat(seen).containsExactly("0", "1", "2");
        assertThat(drained.passed()).isBetween(Duration.ofMinutes(2), Duration.ofMinutes(2).plusSeconds(1));
    }

    @Test
    void tellsARunThatItsTaskIsCancelled() {
        TaskType<String, Integer> cancelled = TaskType.of("cancelled", String.class, (text, run) -> {
            broker.cancel(run.id());
            seen.add(String.valueOf(run.stopReason()));
            throw new IOException("stopped");
        });
        String id = queue.enqueue(cancelled, "");
        assertThat(QueueDrain.run(broker, clock, cancelled).cancelled()).isEqualTo(1);
        assertThat(seen).containsExactly("CANCELLED");
        assertThat(broker.find(id).orElseThrow().state()).isEqualTo(TaskState.CANCELLED);
    }

    @Test
    void refusesTypesWithoutCode() {
        assertThatThrownBy(() -> QueueDrain.run(broker, clock, TaskType.named("x", String.class, String.class)))
                .hasMessage("the code of task type x is elsewhere");
    }
}
