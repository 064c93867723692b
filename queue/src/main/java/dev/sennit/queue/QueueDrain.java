package dev.sennit.queue;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.TaskJson;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.worker.RunFailure;
import dev.sennit.queue.worker.RunLine;
import dev.sennit.queue.worker.RunMessage;
import dev.sennit.queue.worker.Verdicts;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Runs all tasks that there are, in the calling thread and in no time: for the tests of an application. Where a task
 * waits for its time - a delay, a retry, a rate - the clock is advanced to it.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 * import dev.sennit.queue.memory.MemoryBroker;
 * import dev.sennit.testing.VirtualClock;
 * import java.time.Duration;
 *
 * TaskType<String, Integer> length = TaskType.of("text.length", String.class, String::length);
 * VirtualClock clock = VirtualClock.standing(VirtualClock.START);
 * try (TaskQueue queue = TaskQueue.over(new MemoryBroker(clock))) {
 *     queue.enqueue(length, "sennit", SubmitOptions.NONE.delay(Duration.ofDays(7)));
 *     QueueDrain.Drained drained = QueueDrain.run(queue.broker(), clock, length);
 *     System.out.println(drained.succeeded() + " after " + drained.passed()); // 1 after PT168H
 * }
 * }
 *
 * <p>Tasks of paused queues and types stay, and so do those whose type is not given. Hard limits are not kept; soft
 * ones are, in real time. A worker is not needed; one that runs beside this takes its share. Futures of the tasks are
 * ended by a thread of their own, perhaps a moment after {@link #run} returns: {@code join} waits for that.
 */
public final class QueueDrain {
    /** So many runs, and there is no end in sight. */
    private static final int MOST_RUNS = 1_000_000;

    private static final int MOST_RESULT_BYTES = 1_000_000;
    private static final Duration LEASE = Duration.ofDays(1);

    /**
     * The counts of a drain.
     *
     * @param succeeded how many tasks have succeeded
     * @param retried how many runs have failed, and were to be repeated
     * @param dead how many tasks have failed for the last time
     * @param givenBack how many runs have given their task back
     * @param cancelled how many runs ended after their task had been cancelled
     * @param passed by how much the clock was advanced
     */
    public record Drained(int succeeded, int retried, int dead, int givenBack, int cancelled, Duration passed) {
        /**
         * Returns how many runs there were.
         *
         * @return the sum
         */
        public int runs() {
            return succeeded + retried + dead + givenBack + cancelled;
        }
    }

    private final Broker broker;
    private final VirtualClock clock;
    private final Map<String, TaskType<?, ?>> types = new LinkedHashMap<>();
    private final RandomGenerator random = new SplittableRandom(1);
    private final String worker = "drain-" + QueuedTask.newId();
    private int succeeded;
    private int retried;
    private int dead;
    private int givenBack;
    private int cancelled;

    private QueueDrain(Broker broker, VirtualClock clock, TaskType<?, ?>... taskTypes) {
        this.broker = broker;
        this.clock = clock;
        for (TaskType<?, ?> type : taskTypes) {
            if (!type.hasCode()) {
                throw new IllegalArgumentException("the code of " + type + " is elsewhere");
            }
            types.put(type.key(), type);
        }
    }

    /**
     * Runs tasks until none can become ready.
     *
     * @param broker the broker, which goes by the clock
     * @param clock the clock
     * @param types the types whose tasks are to run
     * @return what was done
     * @throws IllegalStateException if tasks enqueue tasks again and again: after 1,000,000 runs
     */
    public static Drained run(Broker broker, VirtualClock clock, TaskType<?, ?>... types) {
        return new QueueDrain(broker, clock, types).run();
    }

    private Drained run() {
        Duration passed = Duration.ZERO;
        while (true) {
            broker.upkeep(Upkeep.Limits.USUAL);
            List<String> queues = broker.counts().stream().map(QueueCounts::queue).toList();
            if (queues.isEmpty() || types.isEmpty()) {
                return drained(passed);
            }
            Claimed claimed = broker.claim(new ClaimRequest(worker, queues, types.keySet(), 1, LEASE));
            for (Claim claim : claimed.claims()) {
                run(claim);
            }
            if (claimed.claims().isEmpty()) {
                Duration next = claimed.lookAgainIn();
                if (next == null) {
                    return drained(passed);
                }
                Duration step = next.isPositive() ? next : Duration.ofNanos(1);
                clock.advance(step);
                passed = passed.plus(step);
            }
            if (succeeded + retried + dead + givenBack + cancelled >= MOST_RUNS) {
                throw new IllegalStateException("after " + MOST_RUNS + " runs there are still tasks in " + queues);
            }
        }
    }

    private Drained drained(Duration passed) {
        return new Drained(succeeded, retried, dead, givenBack, cancelled, passed);
    }

    private void run(Claim claim) {
        TaskType<?, ?> type = types.get(claim.task().type());
        if (type == null) {
            throw new IllegalStateException("the broker gave a task of a type that was not asked for: " + claim.task());
        }
        var line = new Line(claim);
        try {
            byte[][] outcome = QueuedRun.of(type, claim, MOST_RESULT_BYTES, line).call();
            List<QueuedTask> successors = new ArrayList<>();
            for (int i = 1; i + 1 < outcome.length; i += 2) {
                successors.add(TaskJson.read(outcome[i], outcome[i + 1]));
            }
            broker.complete(List.of(new Completion(claim.token(), outcome[0], new Batch(successors, List.of()))));
            succeeded++;
        } catch (RunFailure e) {
            Failure failure = Verdicts.of(claim, e, random);
            broker.fail(List.of(failure));
            if (line.reason != null) {
                cancelled++;
                return;
            }
            switch (failure.verdict()) {
                case Failure.RetryIn _ -> retried++;
                case Failure.GiveBack _ -> givenBack++;
                default -> dead++;
            }
        }
    }

    /** The way of the one run to its broker. */
    private final class Line implements RunLine {
        private final Claim claim;
        /** Read and written by threads of the run. */
        private volatile @Nullable StopReason reason;

        Line(Claim claim) {
            this.claim = claim;
        }

        @Override
        public void message(byte[] message) {
            Renewal renewal = switch (RunMessage.read(message)) {
                case RunMessage.Checkpoint(byte[] json) -> new Renewal(claim.token(), json, null);
                case RunMessage.Report(var progress) -> new Renewal(claim.token(), null, progress);
            };
            if (broker.extend(List.of(renewal), LEASE).getFirst() == LeaseState.CANCEL_REQUESTED) {
                reason = StopReason.CANCELLED;
            }
        }

        @Override
        public @Nullable StopReason stopReason() {
            if (reason == null
                    && broker.extend(List.of(Renewal.of(claim.token())), LEASE).getFirst() != LeaseState.HELD) {
                reason = StopReason.CANCELLED;
            }
            return reason;
        }
    }
}
