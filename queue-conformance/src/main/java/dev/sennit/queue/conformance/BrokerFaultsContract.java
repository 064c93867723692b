package dev.sennit.queue.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The contract of a broker behind a server: connections are cut and the server is killed while tasks are enqueued,
 * claimed and completed, and each task is completed once. The seed is printed; {@code -Dsennit.seed} takes it, and
 * {@code -Dsennit.brokerFaults=2000} makes it a long run.
 *
 * {@snippet :
 * import dev.sennit.junit.WithServer;
 * import dev.sennit.queue.conformance.BrokerFaultsContract;
 * import dev.sennit.testing.server.ServerKind;
 * import dev.sennit.testing.server.TestServer;
 *
 * @WithServer(ServerKind.REDIS)
 * class MyBrokerFaultsIT extends BrokerFaultsContract {
 *     MyBrokerFaultsIT(TestServer server) {
 *         super(server);
 *     }
 *
 *     @Override
 *     protected String uri(TestServer server, int port, String space) {
 *         return server.uri(port) + "?prefix=" + space;
 *     }
 * }
 * }
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
public abstract class BrokerFaultsContract {
    private static final AtomicInteger SPACES = new AtomicInteger();
    private static final Duration LEASE = Duration.ofSeconds(2);

    private final TestServer server;
    private final String space = "faults_" + SPACES.incrementAndGet();
    private final int size = Integer.getInteger("sennit.brokerFaults", 300);

    private final Set<String> enqueued = ConcurrentHashMap.newKeySet();
    private final Map<String, Set<Integer>> completed = new ConcurrentHashMap<>();
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicBoolean isOver = new AtomicBoolean();

    /**
     * For the subclasses.
     *
     * @param server the server, which keeps what it has accepted when it is killed
     */
    protected BrokerFaultsContract(TestServer server) {
        this.server = server;
    }

    /**
     * Returns the address of a broker on the server.
     *
     * @param to the server
     * @param port its port, or that of a proxy before it
     * @param named brokers of one space share their tasks, and no others
     * @return the address
     */
    protected abstract String uri(TestServer to, int port, String named);

    /**
     * Returns whether pushes that came while a connection was broken are lost: submitters find the ends then when they
     * look by themselves.
     *
     * @return false if the broker tells of them later
     */
    protected boolean losesPushes() {
        return false;
    }

    /**
     * Returns whether the broker has {@link dev.sennit.queue.broker.BrokerFeature#IDS}. Without it a task may be
     * completed twice, and its end be told twice.
     *
     * @return true, by default
     */
    protected boolean knowsIds() {
        return true;
    }

    /**
     * Returns how often the server is killed, or its connections are cut, while a test runs.
     *
     * @return three times, by default
     */
    protected int disasters() {
        return 3;
    }

    private String uri(int port) {
        return uri(server, port, space);
    }

    private static long seed(String test) {
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println(test + ": seed " + seed);
        return seed;
    }

    @Test
    public void losesNothingOverConnectionsThatBreak() throws Exception {
        long seed = seed("losesNothingOverConnectionsThatBreak");
        Broker.open(uri(server.port())).close();
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port()).seed(seed).cut(0.002)
                .delay(0.01, Duration.ofMillis(20)).refuse(0.1).open();
                Broker one = open(proxy.port());
                Broker two = open(proxy.port())) {
            losesNothing(one, two, seed, _ -> proxy.cutAll());
            System.out.println("losesNothingOverConnectionsThatBreak: " + proxy + ", exceptions " + failures);
            assertThat(proxy.counts().faults()).isPositive();
        }
    }

    @Test
    public void losesNothingWithAServerThatIsKilledAndStopped() throws Exception {
        long seed = seed("losesNothingWithAServerThatIsKilledAndStopped");
        try (Broker one = open(server.port()); Broker two = open(server.port())) {
            losesNothing(one, two, seed, random -> {
                if (random.nextBoolean()) {
                    server.kill();
                } else {
                    server.stop();
                }
                Thread.sleep(random.nextInt(200));
                server.start();
            });
            System.out.println("losesNothingWithAServerThatIsKilledAndStopped: exceptions " + failures);
        }
    }

    private Broker open(int port) throws InterruptedException {
        while (true) {
            try {
                return Broker.open(uri(port));
            } catch (BrokerException e) {
                assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
                Thread.sleep(20);
            }
        }
    }

    private interface Disaster {
        void strike(SplittableRandom random) throws Exception;
    }

    private void losesNothing(Broker one, Broker two, long seed, Disaster disaster) throws Exception {
        var random = new SplittableRandom(seed);
        Set<String> heard = ConcurrentHashMap.newKeySet();
        retry(() -> one.subscribe(new BrokerListener.Interest(Set.of(), "me", null), new BrokerListener() {
            @Override
            public void ended(EndedTask end) {
                assertThat(heard.add(end.id()) || losesPushes() || !knowsIds()).as("told once").isTrue();
            }
        }));
        try (ExecutorService threads = Executors.newFixedThreadPool(6)) {
            List<Future<?>> enqueuing = new ArrayList<>();
            List<Future<?>> working = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                int thread = i;
                enqueuing.add(threads.submit(() -> enqueue(thread == 0 ? one : two, thread)));
            }
            for (int i = 0; i < 3; i++) {
                int thread = i;
                working.add(threads.submit(() -> work(thread == 0 ? one : two, "worker-" + thread)));
            }
            try {
                for (int i = 0; i < disasters(); i++) {
                    Thread.sleep(200 + random.nextInt(600));
                    disaster.strike(random);
                }
                for (Future<?> each : enqueuing) {
                    each.get();
                }
                await(() -> completed.keySet().equals(enqueued));
                if (!knowsIds()) { // what came twice is still to be done twice
                    await(() -> retry(two::counts).isEmpty());
                }
            } finally {
                isOver.set(true); // else a check that has failed would wait for those who work
            }
            for (Future<?> each : working) {
                each.get();
            }
        }
        if (knowsIds()) {
            assertThat(completed).allSatisfy((id, attempts) -> assertThat(attempts).as(id).hasSize(1));
            Collection<EndedTask> ends = retry(() -> two.ended(enqueued));
            assertThat(ends).hasSize(enqueued.size()).allSatisfy(
                    end -> assertThat(end.state()).isEqualTo(TaskState.SUCCEEDED));
        }
        assertThat(retry(two::counts)).isEmpty();
        if (losesPushes()) {
            awaitPush(heard, two);
        } else {
            await(() -> heard.equals(enqueued));
        }
    }

    /** Pushes are heard again, after those that were lost. */
    private void awaitPush(Set<String> heard, Broker broker) throws InterruptedException {
        assertThat(heard).isSubsetOf(enqueued);
        for (int i = 0; !heard.contains("last-" + i); i++) {
            assertThat(i).as("seconds until pushes are heard again").isLessThan(100);
            String last = "last-" + (i + 1);
            QueuedTask task = QueuedTask.of("work", new byte[] {'1'}).id(last).replyTo("me").build();
            retry(() -> broker.enqueue(Batch.of(task)));
            retry(() -> broker.cancel(last));
            long since = System.nanoTime();
            while (!heard.contains(last) && System.nanoTime() - since < 1_000_000_000L) {
                Thread.sleep(5);
            }
        }
    }

    private Void enqueue(Broker broker, int thread) throws InterruptedException {
        for (int i = 0; i < size / 10; i++) {
            List<QueuedTask> tasks = new ArrayList<>();
            for (int k = 0; k < 5; k++) {
                // Leases end again and again, which is no reason to give up here.
                tasks.add(QueuedTask.of("work", new byte[] {'1'}).id(thread + "-" + i + "-" + k).replyTo("me")
                        .retry(RetryPolicy.NONE.crashes(1000)).build());
            }
            retry(() -> broker.enqueue(new Batch(tasks, List.of())));
            tasks.forEach(task -> enqueued.add(task.id()));
            Thread.sleep(5);
        }
        return null;
    }

    private Void work(Broker broker, String name) throws InterruptedException {
        var request = new ClaimRequest(name, List.of("default"), Set.of("work"), 4, LEASE);
        while (!isOver.get()) {
            List<Claim> claims = retry(() -> broker.claim(request)).claims();
            if (claims.isEmpty()) {
                retry(() -> broker.upkeep(Upkeep.Limits.USUAL));
                Thread.sleep(10);
                continue;
            }
            List<Completion> completions = claims.stream()
                    .map(claim -> new Completion(claim.token(), new byte[] {'2'}, Batch.EMPTY)).toList();
            List<Boolean> accepted = retry(() -> broker.complete(completions));
            for (int i = 0; i < accepted.size(); i++) {
                if (accepted.get(i)) {
                    completed.computeIfAbsent(claims.get(i).token().id(), _ -> new HashSet<>())
                            .add(claims.get(i).token().attempt());
                }
            }
        }
        return null;
    }

    /** Calls until it is answered, as a program would. */
    private <T> T retry(Callable<T> call) throws InterruptedException {
        while (true) {
            try {
                return call.call();
            } catch (BrokerException e) {
                assertThat(e.kind()).as(e.getMessage()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
                failures.incrementAndGet();
                Thread.sleep(20);
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    /** Calls until that fails: a broker may need a moment to notice that its connection has gone. */
    private static BrokerException failureOf(Runnable call) throws InterruptedException {
        for (int i = 0; i < 1000; i++) {
            try {
                call.run();
            } catch (BrokerException e) {
                return e;
            }
            Thread.sleep(20);
        }
        throw new AssertionError("a server that was killed was not missed");
    }

    @Test
    public void saysThatTheServerIsGoneAndGoesOnWhenItIsBack() throws Exception {
        try (Broker broker = Broker.open(uri(server.port()))) {
            BlockingQueue<EndedTask> ends = new LinkedBlockingQueue<>();
            broker.subscribe(new BrokerListener.Interest(Set.of(), "me", null), new BrokerListener() {
                @Override
                public void ended(EndedTask end) {
                    ends.add(end);
                }
            });
            broker.enqueue(Batch.of(QueuedTask.of("work", new byte[] {'1'}).id("a").replyTo("me").build()));
            server.kill();
            BrokerException gone = failureOf(broker::now);
            assertThat(gone.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
            assertThat(gone.isDoubtful()).isFalse();
            assertThat(gone).hasMessageContaining("cannot be reached").hasMessageNotContaining("\n");
            server.start();
            var request = new ClaimRequest("w", List.of("default"), Set.of("work"), 1, LEASE);
            List<Claim> claims = broker.claim(request).claims();
            for (int i = 0; claims.isEmpty() && !knowsIds(); i++) { // a server that has come back may need a moment
                assertThat(i).as("claims until the server has its tasks").isLessThan(1000);
                Thread.sleep(20);
                claims = broker.claim(request).claims();
            }
            Claim claim = claims.getFirst();
            assertThat(broker.complete(List.of(new Completion(claim.token(), new byte[] {'2'}, Batch.EMPTY))))
                    .containsExactly(true);
            if (!losesPushes()) {
                assertThat(ends.poll(30, TimeUnit.SECONDS)).extracting(EndedTask::id).isEqualTo("a");
            }
            for (int i = 0; ends.isEmpty() && losesPushes(); i++) {
                assertThat(i).as("tasks until pushes are heard again").isLessThan(1000);
                String id = "next" + i;
                broker.enqueue(Batch.of(QueuedTask.of("work", new byte[] {'1'}).id(id).replyTo("me").build()));
                broker.cancel(id);
                Thread.sleep(50);
            }
        }
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            assertThat(System.nanoTime() - start).as("nanoseconds").isLessThan(300_000_000_000L);
            Thread.sleep(10);
        }
    }
}
