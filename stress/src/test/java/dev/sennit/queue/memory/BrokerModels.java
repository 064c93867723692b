package dev.sennit.queue.memory;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Token;
import dev.sennit.queue.broker.Upkeep;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;

/** What Lincheck makes programs of, for {@code LincheckIT}: claims, leases and completions of the broker in memory. */
public final class BrokerModels {
    private BrokerModels() {}

    /**
     * All of them.
     *
     * @return the models
     */
    public static Stream<Class<?>> all() {
        return Stream.of(LeaseModel.class, JoinModel.class, KeyModel.class);
    }

    /**
     * What has to fail: the same steps without the lock.
     *
     * @return the models
     */
    public static Stream<Class<?>> canaries() {
        return Stream.of(BrokenLeaseModel.class, BrokenJoinModel.class);
    }

    /** A clock that stands still, so that it is not among what is looked at. */
    private enum Still implements TimeSource {
        HERE;

        @Override
        public long nanoTime() {
            return 0;
        }

        @Override
        public Instant now() {
            return Instant.EPOCH;
        }

        @Override
        public void sleep(Duration time) {
            throw new UnsupportedOperationException("nobody waits");
        }
    }

    private static final byte[] ONE = {'1'};

    private static QueuedTask.Builder task(String id) {
        return QueuedTask.of("work", ONE).id(id).retry(RetryPolicy.NONE.crashes(100));
    }

    private static ClaimRequest request() {
        return new ClaimRequest("worker", List.of("default"), Set.of("work"), 1, Duration.ofHours(1));
    }

    private static String text(List<Claim> claims) {
        return claims.isEmpty()
                ? "none"
                : claims.getFirst().token().id() + claims.getFirst().token().attempt() + " of "
                        + claims.getFirst().inputs().size();
    }

    private static Failure failure(String id, int attempt, Failure.Verdict verdict) {
        return new Failure(new Token(id, attempt), new ErrorInfo("x", "", ""), verdict);
    }

    private static Completion completion(String id, int attempt) {
        return new Completion(new Token(id, attempt), ONE, Batch.EMPTY);
    }

    /** A store with its lock. */
    private static MemoryBroker broker(Batch batch) {
        var broker = new MemoryBroker(Still.HERE);
        broker.enqueue(batch);
        return broker;
    }

    private static final Batch CHORD = new Batch(List.of(task("a").part(new PartOf("j", 0)).build(),
            task("b").part(new PartOf("j", 1)).build(), task("c").after("j").build()),
            List.of(new Join("j", 2, List.of())));

    /** One task and its attempts. */
    public static class LeaseModel {
        private final MemoryBroker broker = broker(Batch.of(task("a").build()));

        @Operation
        public String claim() {
            return text(broker.claim(request()).claims());
        }

        @Operation
        public String extend(@Param(gen = IntGen.class, conf = "1:2") int attempt) {
            return broker.extend(List.of(Renewal.of(new Token("a", attempt))), Duration.ofHours(1)).toString();
        }

        @Operation
        public boolean complete(@Param(gen = IntGen.class, conf = "1:2") int attempt) {
            return broker.complete(List.of(completion("a", attempt))).getFirst();
        }

        @Operation
        public boolean giveBack(@Param(gen = IntGen.class, conf = "1:2") int attempt) {
            return broker.fail(List.of(failure("a", attempt, new Failure.GiveBack()))).getFirst();
        }

        @Operation
        public boolean crash(@Param(gen = IntGen.class, conf = "1:2") int attempt) {
            return broker.fail(List.of(failure("a", attempt, new Failure.Crashed()))).getFirst();
        }

        @Operation
        public TaskState cancel() {
            return broker.cancel("a");
        }

        @Validate
        public void oneTask() {
            long open = broker.counts().stream()
                    .mapToLong(counts -> counts.count(TaskState.READY) + counts.count(TaskState.RUNNING)).sum();
            boolean hasEnded = !broker.ended(List.of("a")).isEmpty();
            if (open != (hasEnded ? 0 : 1)) {
                throw new IllegalStateException(open + " open, ended: " + hasEnded);
            }
            broker.upkeep(Upkeep.Limits.USUAL);
        }
    }

    /** Two parts, and what waits for them. */
    public static class JoinModel {
        private final MemoryBroker broker = broker(CHORD);

        @Operation
        public String claim() {
            return text(broker.claim(request()).claims());
        }

        @Operation
        public boolean completeFirst() {
            return broker.complete(List.of(completion("a", 1))).getFirst();
        }

        @Operation
        public boolean completeSecond() {
            return broker.complete(List.of(completion("b", 1))).getFirst();
        }

        @Operation
        public TaskState cancelSecond() {
            return broker.cancel("b");
        }
    }

    /** Three tasks of a key that has one place. */
    public static class KeyModel {
        private static final KeyLimit KEY = new KeyLimit("k", 1);

        private final MemoryBroker broker = broker(Batch.of(task("a").key(KEY).build(), task("b").key(KEY).build(),
                task("c").key(KEY).build()));

        @Operation
        public String claim() {
            return text(broker.claim(request()).claims());
        }

        @Operation
        public boolean complete(@Param(gen = IntGen.class, conf = "0:2") int task) {
            return broker.complete(List.of(completion("abc".substring(task, task + 1), 1))).getFirst();
        }

        @Operation
        public boolean giveBack(@Param(gen = IntGen.class, conf = "0:2") int task) {
            return broker.fail(List.of(failure("abc".substring(task, task + 1), 1, new Failure.GiveBack()))).getFirst();
        }

        @Validate
        public void oneAtATime() {
            long busy = broker.counts().stream()
                    .mapToLong(counts -> counts.count(TaskState.READY) + counts.count(TaskState.RUNNING)).sum();
            if (busy > 1) {
                throw new IllegalStateException(busy + " have a place");
            }
        }
    }

    /** Nobody locks. */
    public static class BrokenLeaseModel {
        private final Tasks tasks = new Store("", Still.HERE).tasks;

        /** With one task. */
        public BrokenLeaseModel() {
            tasks.enqueue(Batch.of(task("a").build()));
        }

        @Operation
        public String claim() {
            return text(tasks.claim(request()).claims());
        }

        @Operation
        public boolean complete(@Param(gen = IntGen.class, conf = "1:2") int attempt) {
            return tasks.complete(completion("a", attempt));
        }

        @Operation
        public boolean giveBack(@Param(gen = IntGen.class, conf = "1:2") int attempt) {
            return tasks.fail(failure("a", attempt, new Failure.GiveBack()));
        }
    }

    /** Nobody locks. */
    public static class BrokenJoinModel {
        private final Tasks tasks = new Store("", Still.HERE).tasks;

        /** With both parts claimed. */
        public BrokenJoinModel() {
            tasks.enqueue(CHORD);
            tasks.claim(request());
            tasks.claim(request());
        }

        @Operation
        public boolean completeFirst() {
            return tasks.complete(completion("a", 1));
        }

        @Operation
        public boolean completeSecond() {
            return tasks.complete(completion("b", 1));
        }

        @Validate
        public void goesOn() {
            boolean allHaveEnded = Stream.of("a", "b").allMatch(id -> {
                Entry entry = tasks.find(id);
                return entry != null && entry.state.isEnd();
            });
            Entry last = tasks.find("c");
            if (last == null || (last.state == TaskState.BLOCKED) == allHaveEnded) {
                throw new IllegalStateException(last + ", parts have ended: " + allHaveEnded);
            }
        }
    }
}
