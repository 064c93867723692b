package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Upkeep;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A worker in a process of its own, which is killed sooner or later: it claims, fails now and then, and completes. */
final class SqliteWorkerMain {
    static final Duration LEASE = Duration.ofMillis(400);

    private SqliteWorkerMain() {}

    public static void main(String[] arguments) throws Exception {
        String worker = "worker-" + ProcessHandle.current().pid();
        var random = new Random(Long.parseLong(arguments[1]));
        var work = new Semaphore(1);
        try (Broker broker = Broker.open(arguments[0])) {
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, worker), new BrokerListener() {
                @Override
                public void workMayBeReady() {
                    work.release();
                }
            });
            System.out.println("works");
            while (true) {
                work.tryAcquire(100, TimeUnit.MILLISECONDS);
                work.drainPermits();
                broker.upkeep(Upkeep.Limits.USUAL);
                List<Claim> claims = claim(broker, worker, 1 + random.nextInt(20));
                while (!claims.isEmpty()) {
                    run(broker, claims, random);
                    claims = claim(broker, worker, 1 + random.nextInt(20));
                }
            }
        }
    }

    private static List<Claim> claim(Broker broker, String worker, int most) {
        return broker.claim(new ClaimRequest(worker, List.of("default"), Set.of("greet", "next"), most, LEASE))
                .claims();
    }

    private static void run(Broker broker, List<Claim> claims, Random random) {
        List<Completion> completions = new ArrayList<>();
        List<Failure> failures = new ArrayList<>();
        for (Claim claim : claims) {
            if (random.nextInt(10) == 0) {
                failures.add(new Failure(claim.token(), new ErrorInfo("Again", "", ""),
                        random.nextBoolean() ? new Failure.GiveBack() : new Failure.RetryIn(Duration.ofMillis(20))));
                continue;
            }
            boolean isFirst = claim.task().type().equals("greet");
            QueuedTask next = QueuedTask.of("next", "1".getBytes(StandardCharsets.UTF_8))
                    .id(claim.token().id() + "-next").build();
            completions.add(new Completion(claim.token(), "1".getBytes(StandardCharsets.UTF_8),
                    isFirst ? Batch.of(next) : Batch.EMPTY));
        }
        broker.complete(completions);
        broker.fail(failures);
    }
}
