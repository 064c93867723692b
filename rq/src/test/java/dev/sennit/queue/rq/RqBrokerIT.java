package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.When;
import dev.sennit.queue.conformance.BrokerContract;
import dev.sennit.queue.conformance.HeldCarriers;
import dev.sennit.queue.redis.foreign.Server;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Protocol.Command;

/** The broker for RQ keeps the contract of brokers, as far as RQ's jobs can carry it. */
@WithServer(value = ServerKind.REDIS, fsync = false)
class RqBrokerIT extends BrokerContract {
    private static final byte[] JSON = "1".getBytes(StandardCharsets.UTF_8);

    private final TestServer redis;

    RqBrokerIT(TestServer redis) {
        this.redis = redis;
    }

    @Override
    protected Broker open() {
        try (Server server = new Server(address())) {
            server.repeatable(Server.call(Command.FLUSHALL));
        }
        return again();
    }

    @Override
    protected Broker again() {
        return new RqBroker(address());
    }

    private Address address() {
        return new Address(BrokerUri.parse("rq+" + redis.uri()));
    }

    @Override
    protected Set<BrokerFeature> features() {
        return EnumSet.of(BrokerFeature.IDS, BrokerFeature.DELAY, BrokerFeature.DURABLE, BrokerFeature.SHARED);
    }

    @Test
    void tellsOfWorkWhileTasksHoldAllCarriers() throws Exception {
        try (Broker broker = open(); Broker other = again()) {
            HeldCarriers.ensureTold(broker, other, QueuedTask.of("work", JSON).build());
        }
    }

    @Override
    protected void pass(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    @Override
    protected boolean isExact() {
        return false;
    }

    @Override
    protected Duration unit() {
        return Duration.ofMillis(80);
    }

    @Override
    protected boolean damage(String id) {
        try (Server server = new Server(address())) {
            server.repeatable(Server.call(Command.HSET, "rq:job:" + id, "data", "no call"));
        }
        return true;
    }

    /** Arguments and results are JSON here. */
    @Override
    @Test
    public void argumentsAndResultsMayBeLarge() {
        byte[] large = ("\"" + "x\u20ac".repeat(300_000) + "\"").getBytes(StandardCharsets.UTF_8);
        broker().enqueue(Batch.of(QueuedTask.of("work", large).id("large").build()));
        Claim claim = claims().getFirst();
        assertThat(claim.task().payload()).isEqualTo(large);
        broker().complete(List.of(new Completion(claim.token(), large, Batch.EMPTY)));
        assertThat(broker().ended(List.of("large")).getFirst().result()).isEqualTo(large);
    }

    private List<Claim> claims() {
        return broker().claim(new ClaimRequest("worker-1", List.of("default"), Set.of("work"), 100, LONG)).claims();
    }

    /** Of joins, those are taken that RQ's dependencies can be: see {@code JavaProducersIT}. */
    @Override
    @Test
    public void whatIsNotOfferedIsRefusedByItsName() {
        refused("UNIQUE", () -> broker().enqueue(Batch.of(QueuedTask.of("work", JSON)
                .unique(new Unique("k", Unique.Until.ENDED, null)).build())));
        refused("KEYS", () -> broker().enqueue(
                Batch.of(QueuedTask.of("work", JSON).key(new KeyLimit("k", 1)).build())));
        refused("PRIORITIES", () -> broker().enqueue(Batch.of(QueuedTask.of("work", JSON).priority(6).build())));
        refused("PRIORITIES", () -> broker().enqueue(Batch.of(QueuedTask.of("work", JSON).priority(0).build())));
        refused("RATES", () -> broker().limit("work", Rate.of(1, LONG)));
        refused("PAUSES", () -> broker().pause(Scope.queue("default")));
        refused("PAUSES", () -> broker().resume(Scope.queue("default")));
        refused("SEARCH", () -> broker().search(TaskFilter.ALL, 1));
        refused("SEARCH", () -> broker().find("x"));
        refused("SEARCH", () -> broker().replay(TaskFilter.ALL, null));
        refused("SEARCH", () -> broker().purge(TaskFilter.ALL));
        refused("SCHEDULES", () -> broker().schedules());
        refused("SCHEDULES", () -> broker().removeSchedule("x"));
        refused("EVENTS", () -> broker().events(0, 1));
        refused("EVENTS", () -> broker().keepEvents(LONG));
        QueuedTask part = QueuedTask.of("work", JSON).part(new PartOf("j", 0)).build();
        QueuedTask.Builder behind = QueuedTask.of("work", JSON).after("j");
        refused("JOINS", () -> broker().enqueue(new Batch(List.of(part, behind.build()),
                List.of(new Join("j", 1, List.of(QueuedTask.of("callback", JSON).build()))))));
        refused("JOINS", () -> broker().enqueue(new Batch(List.of(part, behind.due(When.after(LONG)).build()),
                List.of(new Join("j", 1, List.of())))));
        assertThat(claims()).isEmpty();
    }

    private static void refused(String feature, Runnable call) {
        assertThatThrownBy(call::run).isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("has no " + feature).hasMessageNotContaining("\n");
    }

    /** It stands in the registry of failed jobs, with one result. */
    @Test
    void aFailureIsKeptAsRqReadsIt() {
        broker().enqueue(Batch.of(QueuedTask.of("work", JSON).id("failing").build()));
        broker().fail(List.of(new Failure(claims().getFirst().token(), new ErrorInfo("x.Y", "z", "x.Y: z\n\tat A.b"),
                new Failure.Die(DeadReason.FAILED))));
        try (Server server = new Server(address())) {
            assertThat(server.repeatable(Server.call(Command.ZCARD, "rq:failed:default"))).isEqualTo(1L);
            assertThat(server.repeatable(Server.call(Command.XLEN, "rq:results:failing"))).isEqualTo(1L);
            assertThat(server.repeatable(Server.call(Command.ZCARD, "rq:wip:default"))).isEqualTo(0L);
        }
        assertThat(broker().ended(List.of("failing")).getFirst().error())
                .isEqualTo(new ErrorInfo("x.Y", "z", "x.Y: z\n\tat A.b"));
    }

    /** RQ's workers write the names of their queues without weights. */
    @Test
    void queuesOfWorkersOfPythonHaveWeights() {
        try (Server server = new Server(address())) {
            server.repeatable(Server.call(Command.HSET, "rq:worker:python-1", "queues", "py,mail:4", "pid", "7",
                    "hostname", "host", "state", "idle"));
            server.repeatable(Server.call(Command.SADD, "rq:workers", "rq:worker:python-1"));
        }
        assertThat(broker().workers()).singleElement()
                .satisfies(worker -> assertThat(worker.queues()).containsExactly("py:1", "mail:4:1"));
    }
}
