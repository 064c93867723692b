package dev.sennit.queue.celery;

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
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
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

/**
 * The broker for Celery keeps the contract of brokers, as far as Celery's messages can carry it. The tests that are
 * overridden say why.
 */
@WithServer(value = ServerKind.REDIS, fsync = false)
class CeleryBrokerIT extends BrokerContract {
    private static final String STEPS = "?priority_steps=0,1,2,3,4,5,6,7,8,9";

    private static final byte[] JSON = "1".getBytes(StandardCharsets.UTF_8);

    private final TestServer redis;

    CeleryBrokerIT(TestServer redis) {
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
        return new CeleryBroker(address(), new RedisTransport(address()));
    }

    private RedisAddress address() {
        return new RedisAddress(BrokerUri.parse("celery+" + redis.uri() + STEPS));
    }

    @Override
    protected Set<BrokerFeature> features() {
        return EnumSet.of(BrokerFeature.IDS, BrokerFeature.DELAY, BrokerFeature.PRIORITIES, BrokerFeature.DURABLE,
                BrokerFeature.SHARED);
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
        return Duration.ofMillis(150);
    }

    @Override
    protected boolean damage(String id) {
        try (Server server = new Server(address())) {
            String list = "celery\u0006\u00164";
            for (Object entry : (List<?>) server.repeatable(Server.call(Command.LRANGE, list, "0", "-1"))) {
                String text = Server.text(entry);
                if (text.contains("\"id\":\"" + id)) {
                    server.repeatable(Server.call(Command.LREM, list, "0", text));
                    server.repeatable(Server.call(Command.RPUSH, list, text.replaceFirst(
                            "\"body\":\"[^\"]{10}", "\"body\":\"....")));
                    return true;
                }
            }
        }
        return false;
    }

    @Test
    void noArgumentIsTakenForAPlaceholder() {
        byte[] payload = "[\"@sennit-hole-2d1b6f0e@\"]".getBytes(StandardCharsets.UTF_8);
        broker().enqueue(Batch.of(QueuedTask.of("work", payload).id("hole").build()));
        List<Claim> claims = broker().claim(new ClaimRequest("worker-1", List.of("default"), Set.of("work"), 1, LONG))
                .claims();
        assertThat(claims).hasSize(1);
        assertThat(claims.getFirst().task().payload()).isEqualTo(payload);
    }

    /** Arguments and results are JSON here. */
    @Override
    @Test
    public void argumentsAndResultsMayBeLarge() {
        byte[] large = ("\"" + "x\u20ac".repeat(300_000) + "\"").getBytes(StandardCharsets.UTF_8);
        broker().enqueue(Batch.of(QueuedTask.of("work", large).id("large").build()));
        Claim claim = broker().claim(new ClaimRequest("worker-1", List.of("default"), Set.of("work"), 1, LONG))
                .claims().getFirst();
        assertThat(claim.task().payload()).isEqualTo(large);
        broker().complete(List.of(new Completion(claim.token(), large, Batch.EMPTY)));
        assertThat(broker().ended(List.of("large")).getFirst().result()).isEqualTo(large);
    }

    /** A result that is ignored is not kept, though the task has failed: so it is in Celery. */
    @Override
    @Test
    public void deadLettersAreKeptForTheirOwnTime() {
        broker().enqueue(Batch.of(QueuedTask.of("work", JSON).id("kept").build(),
                QueuedTask.of("work", JSON).id("ignored").resultTtl(Duration.ZERO).build()));
        for (Claim claim : claims()) {
            broker().fail(List.of(new Failure(claim.token(), new ErrorInfo("x.Y", "z", ""),
                    new Failure.Die(DeadReason.FAILED))));
        }
        assertThat(broker().ended(List.of("kept", "ignored"))).extracting(EndedTask::id).containsExactly("kept");
    }

    /** A task with an ETA stands in its list as Celery's do, until a worker sees that it is not due. */
    @Override
    @Test
    public void aDueTaskStandsWhereItHasBecomeReady() {
        broker().enqueue(Batch.of(
                QueuedTask.of("work", JSON).id("second").due(When.after(Duration.ofMillis(600))).build(),
                QueuedTask.of("work", JSON).id("first").due(When.after(Duration.ofMillis(300))).build()));
        assertThat(claims()).isEmpty();
        pass(Duration.ofMillis(800));
        broker().enqueue(Batch.of(QueuedTask.of("work", JSON).id("third").build()));
        assertThat(claims()).extracting(claim -> claim.token().id()).containsExactlyInAnyOrder("first", "second",
                "third");
    }

    /** See {@link #aDueTaskStandsWhereItHasBecomeReady}: until a worker has seen it, such a task counts as READY. */
    @Override
    @Test
    public void tasksAreCountedByQueueAndState() {
        broker().enqueue(Batch.of(QueuedTask.of("work", JSON).id("a").build(),
                QueuedTask.of("work", JSON).id("b").due(When.after(LONG)).build(),
                QueuedTask.of("work", JSON).id("c").build()));
        assertThat(counted(TaskState.READY)).isEqualTo(3);
        List<Claim> claims = claims();
        assertThat(claims).hasSize(2);
        assertThat(counted(TaskState.READY)).isZero();
        assertThat(counted(TaskState.SCHEDULED)).isOne();
        assertThat(counted(TaskState.RUNNING)).isEqualTo(2);
        broker().fail(List.of(new Failure(claims.getFirst().token(), new ErrorInfo("x.Y", "z", ""),
                new Failure.Die(DeadReason.FAILED))));
        broker().complete(List.of(new Completion(claims.getLast().token(), JSON, Batch.EMPTY)));
        assertThat(counted(TaskState.RUNNING)).isZero();
        assertThat(counted(TaskState.DEAD)).isOne();
    }

    private long counted(TaskState state) {
        return broker().counts().stream().filter(counts -> counts.queue().equals("default"))
                .mapToLong(counts -> counts.count(state)).sum();
    }

    private List<Claim> claims() {
        return broker().claim(new ClaimRequest("worker-1", List.of("default"), Set.of("work"), 100, LONG)).claims();
    }

    /** Of joins, those that Celery's canvas knows are taken: see {@code JavaProducersIT}. */
    @Override
    @Test
    public void whatIsNotOfferedIsRefusedByItsName() {
        refused("UNIQUE", () -> broker().enqueue(Batch.of(QueuedTask.of("work", JSON)
                .unique(new Unique("k", Unique.Until.ENDED, null)).build())));
        refused("KEYS", () -> broker().enqueue(
                Batch.of(QueuedTask.of("work", JSON).key(new KeyLimit("k", 1)).build())));
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
        List<QueuedTask> chord = List.of(QueuedTask.of("work", JSON).part(new PartOf("j", 0)).build(),
                QueuedTask.of("work", JSON).part(new PartOf("j", 1)).build(),
                QueuedTask.of("work", JSON).after("j").build(), QueuedTask.of("work", JSON).after("j").build());
        refused("JOINS", () -> broker().enqueue(new Batch(chord, List.of(new Join("j", 2, List.of())))));
        refused("JOINS", () -> broker().enqueue(new Batch(chord.subList(0, 3),
                List.of(new Join("j", 2, List.of(QueuedTask.of("callback", JSON).build()))))));
        assertThat(claims()).isEmpty();
        try (Broker usual = CeleryBroker.open("celery+" + redis.uri())) {
            refused("PRIORITIES", () -> usual.enqueue(Batch.of(QueuedTask.of("work", JSON).priority(6).build())));
            assertThat(usual.features()).doesNotContain(BrokerFeature.PRIORITIES);
            assertThat(usual.enqueue(Batch.of(QueuedTask.of("work", JSON).priority(0).build()))).hasSize(1);
        }
    }

    private static void refused(String feature, Runnable call) {
        assertThatThrownBy(call::run).isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("has no " + feature);
    }

    /** A message of Python does not say when it was sent: one that is seen for the first time has no age. */
    @Test
    void aTaskWhoseAgeIsNotKnownShowsNone() {
        try (Server server = new Server(address())) {
            server.repeatable(Server.call(Command.LPUSH, "celery", "{\"body\": \"W1sxXSwge30sIHt9XQ==\", "
                    + "\"content-encoding\": \"utf-8\", \"content-type\": \"application/json\", "
                    + "\"headers\": {\"lang\": \"py\", \"task\": \"work\", \"id\": \"x1\"}, "
                    + "\"properties\": {\"body_encoding\": \"base64\", \"delivery_tag\": \"t1\"}}"));
        }
        assertThat(broker().counts()).singleElement().satisfies(counts -> {
            assertThat(counts.count(TaskState.READY)).isEqualTo(1);
            assertThat(counts.oldest()).isNull();
        });
    }
}
