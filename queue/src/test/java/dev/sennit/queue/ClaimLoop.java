package dev.sennit.queue;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The smallest worker: claims a task, runs it in the calling thread, and tells the broker. */
final class ClaimLoop {
    static final Duration LEASE = Duration.ofSeconds(30);

    private final Broker broker;
    private final Map<String, TaskType<?, ?>> types = new LinkedHashMap<>();

    ClaimLoop(Broker broker, TaskType<?, ?>... types) {
        this.broker = broker;
        for (TaskType<?, ?> type : types) {
            this.types.put(type.key(), type);
        }
    }

    /** Runs all that is ready, and what becomes ready by it; returns how many. */
    int drain() {
        int count = 0;
        for (Claim claim = claim(); claim != null; claim = claim()) {
            run(claim);
            count++;
        }
        return count;
    }

    @Nullable Claim claim() {
        List<Claim> claims = broker
                .claim(new ClaimRequest("loop", List.of("default"), types.keySet(), 1, LEASE)).claims();
        return claims.isEmpty() ? null : claims.getFirst();
    }

    /** Runs a task; one that throws is dead. */
    void run(Claim claim) {
        byte[] result;
        try {
            result = result(claim);
        } catch (Exception e) {
            var error = new ErrorInfo(e.getClass().getName(), String.valueOf(e.getMessage()), "");
            broker.fail(List.of(new Failure(claim.token(), error, new Failure.Die(DeadReason.FAILED))));
            return;
        }
        broker.complete(List.of(new Completion(claim.token(), result, Batch.EMPTY)));
    }

    @SuppressWarnings("unchecked")
    byte[] result(Claim claim) throws Exception {
        var type = (TaskType<Object, Object>) types.get(claim.task().type());
        Object argument = Payloads.read("the argument", Arguments.of(claim), type.argumentType());
        return Payloads.write("the result", type.handler().run(argument, new Context(claim)));
    }

    private record Context(Claim claim) implements RunContext {
        @Override
        public String id() {
            return claim.task().id();
        }

        @Override
        public int attempt() {
            return 1;
        }

        @Override
        public int failures() {
            return claim.failures();
        }

        @Override
        public Instant enqueuedAt() {
            return claim.enqueuedAt();
        }

        @Override
        public Map<String, String> headers() {
            return claim.task().headers();
        }

        @Override
        public void progress(long done, long total, String message) {}

        @Override
        public void checkpoint(Object value) {}

        @Override
        public <C> Optional<C> checkpoint(Class<C> type) {
            return Optional.empty();
        }

        @Override
        public @Nullable StopReason stopReason() {
            return null;
        }

        @Override
        public RuntimeException giveBack() {
            throw new UnsupportedOperationException();
        }

        @Override
        public <A> String enqueue(TaskType<A, ?> type, A argument, SubmitOptions options) {
            throw new UnsupportedOperationException();
        }
    }
}
