package dev.sennit.queue.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Claimed;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.WorkerReport;
import dev.sennit.testing.FaultProxy;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Phaser;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Calls that come late, fail halfway or meet others: nothing is forgotten, and nothing counts as a crash. */
@WithServer(value = ServerKind.RABBITMQ, shared = true)
class RabbitmqLateIT {
    private static final Duration LONG = Duration.ofHours(1);

    private final TestServer server;

    RabbitmqLateIT(TestServer server) {
        this.server = server;
    }

    private String uri(String prefix) {
        return Servers.uri(server, server.port()) + "?consumerTimeout=PT10H&prefix=late-" + prefix;
    }

    private Address address(String prefix) {
        return new Address(BrokerUri.parse(uri(prefix)));
    }

    private static ClaimRequest request(String... types) {
        return new ClaimRequest("worker-1", List.of("default"), Set.of(types), 10, LONG);
    }

    private static QueuedTask.Builder task(String type) {
        return QueuedTask.of(type, new byte[] {'1'});
    }

    private static void until(String what, Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            assertThat(System.nanoTime() - start).as("it is not so: " + what).isLessThan(60_000_000_000L);
            LockSupport.parkNanos(10_000_000);
        }
    }

    /** Holds the threads up that hand over what has come, while it is shut. */
    private static final class Gate implements ThreadFactory {
        private final Phaser phaser = new Phaser();
        private volatile boolean isShut;

        void shut() {
            phaser.register();
            isShut = true;
        }

        void open() {
            isShut = false;
            phaser.arriveAndDeregister();
        }

        @Override
        public Thread newThread(Runnable task) {
            return Thread.ofVirtual().unstarted(() -> {
                int phase = phaser.getPhase();
                if (isShut && phase >= 0) {
                    phaser.awaitAdvance(phase);
                }
                task.run();
            });
        }
    }

    private static Batch both() {
        return Batch.of(task("work").id("once").atMostOnce(true).build(), task("work").id("more").build());
    }

    /** Has a broker know how large the tasks are, so that it asks for several at once. */
    private static void takeOne(Broker broker) {
        broker.enqueue(Batch.of(task("work").build()));
        List<Claim> claims = broker.claim(request("work")).claims();
        assertThat(broker.complete(List.of(new Completion(claims.getFirst().token(), new byte[] {'2'}, Batch.EMPTY))))
                .containsExactly(true);
    }

    @Test
    void whatComesWhenItsConsumerIsGoneComesWithTheNextClaim() throws Exception {
        var gate = new Gate();
        try (Broker broker = RabbitmqBroker.open(address("next"), null, gate)) {
            takeOne(broker);
            broker.enqueue(both());
            gate.shut();
            assertThat(broker.claim(request("work")).claims()).isEmpty();
            gate.open();
            List<Claim> claims = new ArrayList<>();
            until("both have come", () -> {
                claims.addAll(broker.claim(request("work")).claims());
                return claims.size() == 2;
            });
            assertThat(claims).extracting(claim -> claim.token().id()).containsExactlyInAnyOrder("once", "more");
            assertThat(claims).as("nobody has begun them").allSatisfy(claim -> {
                assertThat(claim.crashes()).isZero();
                assertThat(claim.token().attempt()).isOne();
            });
        }
    }

    @Test
    void whatComesWhenItsConsumerIsGoneAndIsNotWantedGoesToOthers() throws Exception {
        var gate = new Gate();
        try (Broker broker = RabbitmqBroker.open(address("others"), null, gate);
                Broker other = Broker.open(uri("others"))) {
            takeOne(broker);
            broker.enqueue(both());
            gate.shut();
            assertThat(broker.claim(request("work")).claims()).isEmpty();
            gate.open();
            List<Claim> claims = new ArrayList<>();
            until("both have come", () -> {
                broker.upkeep(Upkeep.Limits.USUAL);
                claims.addAll(other.claim(request("work")).claims());
                return claims.size() == 2;
            });
            assertThat(claims).extracting(claim -> claim.token().id()).containsExactlyInAnyOrder("once", "more");
        }
    }

    @Test
    void aClaimThatFailsHalfwayBringsWhatItHas() throws Exception {
        try (Broker broker = Broker.open(uri("halfway"));
                Broker other = Broker.open(uri("halfway"));
                Connection connection = Servers.connect(server)) {
            broker.enqueue(Batch.of(task("foreign").build()));
            // goes first: since when is unknown
            other.enqueue(Batch.of(task("work").id("once").atMostOnce(true).build()));
            String foreign = address("halfway").source("default", "foreign");
            var channel = connection.createChannel();
            channel.queueDelete(foreign);
            channel.queueDeclare(foreign, false, false, false, Map.of());
            List<Claim> claims = broker.claim(request("work", "foreign")).claims();
            assertThat(claims).extracting(claim -> claim.token().id()).containsExactly("once");
            assertThat(
                    broker.complete(List.of(new Completion(claims.getFirst().token(), new byte[] {'2'}, Batch.EMPTY))))
                    .containsExactly(true);
            assertThatThrownBy(() -> broker.claim(request("work", "foreign"))).isInstanceOf(BrokerException.class)
                    .hasMessageContaining("a queue with this name and other settings");
        }
    }

    /** The look after a task was given back fails on a channel of its own: the task is given back nevertheless. */
    @Test
    void aLookThatFailsAfterATaskWasGivenBackChangesNothing() throws Exception {
        try (Broker broker = Broker.open(uri("given-back")); Connection connection = Servers.connect(server)) {
            broker.enqueue(Batch.of(task("work").id("more").build()));
            Claim claim = broker.claim(request("work")).claims().getFirst();
            String source = address("given-back").source("default", "work");
            var channel = connection.createChannel();
            channel.queueDelete(source);
            channel.queueDeclare(source, false, false, false, Map.of());
            var crash = new Failure(claim.token(), new ErrorInfo("its", "worker", "was lost"), new Failure.Crashed());
            assertThat(broker.fail(List.of(crash))).containsExactly(true);
            assertThat(broker.toString()).endsWith("0 tasks claimed here");
            assertThat(broker.fail(List.of(crash))).containsExactly(false);
        }
    }

    /** A claim has failed with it, so it is kept for the next one: but the broker is closed before that. */
    @Test
    void whatNobodyHasBegunAtTheEndIsNotLost() throws Exception {
        try (Connection connection = Servers.connect(server); Broker other = Broker.open(uri("closed"))) {
            var channel = connection.createChannel();
            String source = address("closed").source("default", "work");
            String dead = address("closed").dead("default");
            try (Broker broker = Broker.open(uri("closed"))) {
                takeOne(broker); // several come at once from now on
                try (Broker lost = Broker.open(uri("closed"))) {
                    lost.enqueue(Batch.of(task("work").id("lost").atMostOnce(true).build()));
                    assertThat(lost.claim(request("work")).claims()).hasSize(1);
                }
                until("it is there again", () -> channel.queueDeclarePassive(source).getMessageCount() == 1);
                other.enqueue(Batch.of(task("work").id("once").atMostOnce(true).build()));
                channel.queueDeclare(dead, false, false, false, Map.of()); // so "lost" cannot end
                assertThatThrownBy(() -> broker.claim(request("work"))).isInstanceOf(BrokerException.class);
                channel.queueDelete(dead);
            }
            List<Claim> claims = new ArrayList<>();
            until("it has come", () -> {
                claims.addAll(other.claim(request("work")).claims());
                return !claims.isEmpty() || channel.queueDeclarePassive(dead).getMessageCount() == 2;
            });
            assertThat(claims).extracting(claim -> claim.token().id()).containsExactly("once");
            assertThat(claims.getFirst().crashes()).isZero();
        }
    }

    /** A text in the properties of a message has 255 bytes at most. */
    @Test
    void anIdThatIsTooLongForAMessageHoldsUpNoOther() {
        String id = "\u0436".repeat(130);
        try (Broker broker = Broker.open(uri("id"))) {
            broker.enqueue(Batch.of(task("work").build()));
            assertThatThrownBy(() -> broker.enqueue(Batch.of(task("work").id(id).build())))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("<= 255 bytes in UTF-8, was 260");
            broker.enqueue(Batch.of(task("work").build()));
            assertThat(broker.claim(request("work")).claims()).hasSize(2);
        }
        var address = address("id");
        var errors = new RabbitmqErrors(address.toString(), address.password());
        try (var connector = new Connector(address, errors);
                var publisher = new Publisher(connector, errors, address.news())) {
            var properties = new AMQP.BasicProperties.Builder().messageId(id).build();
            assertThatThrownBy(() -> publisher.send(List.of(Publisher.Post.to("no queue", properties, new byte[1]))))
                    .isInstanceOf(IllegalArgumentException.class);
            var post = Publisher.Post.to("no queue", new AMQP.BasicProperties(), new byte[1]);
            assertThat(publisher.send(List.of(post))).containsExactly(0);
        }
    }

    @Test
    void aCountThatWasInterruptedIsMadeAgain() {
        try (Broker broker = Broker.open(uri("counted")); Broker other = Broker.open(uri("counted"))) {
            other.enqueue(Batch.of(task("work").build()));
            Thread.currentThread().interrupt();
            try {
                assertThatThrownBy(broker::counts).isInstanceOf(BrokerException.class)
                        .hasMessageContaining("interrupted");
            } finally {
                assertThat(Thread.interrupted()).isTrue();
            }
            assertThat(broker.counts()).extracting(QueueCounts::queue).containsExactly("default");
        }
    }

    /** It takes as long as an answer may. */
    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void anAnswerThatComesTooLateIsNotThatToTheNextRequest() throws Exception {
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port()).open();
                Broker broker = Broker.open(Servers.uri(server, proxy.port()) + "?prefix=late-answer");
                Broker other = Broker.open(uri("answer"))) {
            assertThat(broker.claim(request("empty", "full")).claims()).isEmpty();
            other.enqueue(Batch.of(task("full").id("there").build()));
            proxy.standStill();
            assertThatThrownBy(() -> broker.claim(request("empty"))).isInstanceOf(BrokerException.class)
                    .hasMessageContaining("no answer in time");
            List<Claim> claims = new CopyOnWriteArrayList<>();
            Thread claiming = Thread.ofPlatform().daemon().start(
                    () -> claims.addAll(broker.claim(request("full")).claims()));
            until("it has asked", () -> claiming.getState() == Thread.State.TIMED_WAITING);
            proxy.goOn();
            assertThat(claiming.join(Duration.ofMinutes(1))).isTrue();
            assertThat(claims).extracting(claim -> claim.token().id()).containsExactly("there");
        }
    }

    @Test
    void nothingIsOpenedAfterTheEnd() {
        var address = address("end");
        var connector = new Connector(address, new RabbitmqErrors(address.toString(), address.password()));
        Connection open = connector.open();
        connector.close();
        assertThat(open.isOpen()).isFalse();
        assertThatThrownBy(connector::open).isInstanceOf(IllegalStateException.class).hasMessageContaining("is closed");
    }

    @Test
    void aStoreIsNotOpenedForAnAddressThatIsWrong(@TempDir Path folder) {
        Path store = folder.resolve("jobs.db");
        assertThatThrownBy(() -> Broker.open("rabbitmqs://127.0.0.1:" + server.port() + "/?sslrootcert="
                + folder.resolve("nothing.pem") + "&store=sqlite:" + store))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sslrootcert cannot be read");
        assertThat(Files.exists(store)).isFalse();
    }

    /** The client has a bound of its own, and ends the connection, with all that runs, for what is above it. */
    @Test
    void aMessageThatTheServerTakesIsTaken() {
        byte[] payload = new byte[65 << 20];
        try (Broker broker = Broker.open(uri("large"))) {
            broker.enqueue(Batch.of(QueuedTask.of("work", payload).build()));
            List<Claim> claims = broker.claim(request("work")).claims();
            assertThat(claims).extracting(claim -> claim.task().payload().length).containsExactly(payload.length);
            broker.complete(List.of(new Completion(claims.getFirst().token(), new byte[] {'2'}, Batch.EMPTY)));
        }
    }

    /** The server ends the channel of who acknowledges twice. */
    @Test
    void anEndThatSeveralHearIsAcknowledgedOnce() throws Exception {
        var acknowledged = new AtomicInteger();
        var counting = (Channel) Proxy.newProxyInstance(Channel.class.getClassLoader(), new Class<?>[] {Channel.class},
                (_, method, _) -> {
                    acknowledged.addAndGet(method.getName().equals("basicAck") ? 1 : 0);
                    return null;
                });
        var heard = new AtomicInteger();
        BrokerListener listener = new BrokerListener() {
            @Override
            public void ended(EndedTask end) {
                heard.incrementAndGet();
            }
        };
        var address = address("twice");
        var errors = new RabbitmqErrors(address.toString(), address.password());
        var interest = new BrokerListener.Interest(Set.of(), "me", null);
        try (var connector = new Connector(address, errors);
                var publisher = new Publisher(connector, errors, address.news());
                var news = new News(connector, errors, publisher, address, InstantSource.system(), true)) {
            news.subscribe(interest, listener);
            news.subscribe(interest, listener);
            news.end("me", Wire.end(new EndedTask("id", "work", "default", "id", TaskState.SUCCEEDED, new byte[] {'1'},
                    null, null, 1, Instant.EPOCH)), counting, 7);
            until("both have heard", () -> heard.get() == 2);
        } // each call has come to its end
        assertThat(acknowledged).hasValue(1);
    }

    @Test
    void aWorkerThatIsSilentIsForgottenWhereNoneRuns() throws Exception {
        var now = new AtomicReference<>(Instant.now());
        try (Broker working = RabbitmqBroker.open(address("silent"), now::get);
                Broker looking = RabbitmqBroker.open(address("silent"), now::get)) {
            looking.workers();
            working.report(new WorkerReport("lost", "host", 1, "running", "threads:1", 1, List.of("default"),
                    Set.of("work"), List.of(), 0, 0, now.get(), now.get()));
            until("it is known", () -> looking.workers().size() == 1);
            now.updateAndGet(last -> last.plus(LONG));
            assertThat(looking.workers()).isEmpty();
        }
    }

    /** The server sends what was asked for at once, however large it is. */
    @Test
    void aClaimOfLargeTasksBringsThoseThatHaveRoom() {
        byte[] payload = new byte[1 << 20];
        var request = new ClaimRequest("worker-1", List.of("default"), Set.of("work"), 1_000, LONG);
        try (Broker broker = Broker.open(uri("room"))) {
            for (int i = 0; i < 60; i++) {
                broker.enqueue(Batch.of(QueuedTask.of("work", payload).build()));
            }
            for (int count = 0; count < 60;) {
                Claimed claimed = broker.claim(request);
                assertThat(claimed.claims()).hasSizeBetween(1, 17);
                count += claimed.claims().size();
                assertThat(claimed.lookAgainIn() != null).as("%d have come", count).isEqualTo(count < 60);
                broker.complete(claimed.claims().stream()
                        .map(claim -> new Completion(claim.token(), new byte[] {'2'}, Batch.EMPTY)).toList());
            }
        }
    }

    @Test
    void aNoticeOfAConnectionThatIsGoneBlocksNobody() throws Exception {
        var address = address("notice");
        var errors = new RabbitmqErrors(address.toString(), address.password());
        try (var connector = new Connector(address, errors);
                var publisher = new Publisher(connector, errors, address.news())) {
            publisher.connect();
            Publisher.Session old = publisher.session();
            old.connection.abort();
            publisher.connect();
            old.handleBlocked("low on memory");
            var post = Publisher.Post.to("no queue", new AMQP.BasicProperties(), new byte[1]);
            assertThat(publisher.send(List.of(post))).containsExactly(0);
            publisher.session().handleBlocked("low on disk");
            assertThatThrownBy(() -> publisher.send(List.of(post))).isInstanceOf(BrokerException.class)
                    .hasMessageContaining("takes no messages (low on disk)");
            publisher.session().handleUnblocked();
            assertThat(publisher.send(List.of(post))).containsExactly(0);
        }
    }

    /** It takes as long as a write may hang. */
    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void newsThatCannotBeWrittenHoldNobodyUp() throws Exception {
        try (FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port()).open()) {
            var address = new Address(BrokerUri.parse(Servers.uri(server, proxy.port()) + "?prefix=late-told"));
            var errors = new RabbitmqErrors(address.toString(), address.password());
            try (var connector = new Connector(address, errors);
                    var publisher = new Publisher(connector, errors, address.news())) {
                publisher.connect();
                proxy.standStill();
                Thread telling = Thread.ofPlatform().daemon().start(() -> {
                    while (publisher.isConnected()) { // until the buffers are full, and the write hangs
                        publisher.tell("all", new byte[1 << 20]);
                    }
                });
                assertThat(telling.join(Duration.ofMinutes(1))).isTrue();
            }
        }
    }

    @Test
    void whatWasCancelledRingsForItsErrorCallbacks(@TempDir Path folder) throws Exception {
        try (Connection connection = Servers.connect(server);
                Broker broker = Broker.open(uri("cancelled") + "&store=sqlite:" + folder.resolve("jobs.db"))) {
            List<String> heard = new CopyOnWriteArrayList<>();
            Channel channel = connection.createChannel();
            String queue = channel.queueDeclare().getQueue();
            channel.queueBind(queue, address("cancelled").news(), "all");
            channel.basicConsume(queue, true, (_, message) -> heard.add(new String(message.getBody())), _ -> {});
            broker.enqueue(Batch.of(task("work").onDead(List.of(task("work").queue("other").build())).build()));
            Claim claim = broker.claim(request("work")).claims().getFirst();
            assertThat(heard).isEmpty();
            assertThat(broker.fail(List.of(new Failure(claim.token(), new ErrorInfo("it", "was cancelled", ""),
                    new Failure.Cancelled())))).containsExactly(true);
            assertThat(broker.claim(new ClaimRequest("worker-1", List.of("other"), Set.of("work"), 1, LONG)).claims())
                    .hasSize(1);
            until("workers of all queues are told", () -> heard.stream().anyMatch(each -> each.contains("any")));
        }
    }

    @Test
    void whoListensNoMoreIsBoundNoMore() throws Exception {
        var address = address("bound");
        var queues = new BrokerListener.Interest(Set.of("images"), null, null);
        BrokerListener listener = new BrokerListener() {};
        try (Connection connection = Servers.connect(server);
                Broker broker = Broker.open(uri("bound"));
                var _ = broker.subscribe(queues, listener)) {
            var last = new BrokerListener.Interest(Set.of("images", "texts"), null, "worker-1");
            broker.subscribe(last, listener).close();
            Channel channel = connection.createChannel();
            channel.confirmSelect();
            List<String> returned = new CopyOnWriteArrayList<>();
            channel.addReturnListener(message -> returned.add(message.getRoutingKey()));
            List<String> keys =
                    List.of(Address.workKey("images"), Address.workKey("texts"), Address.workerKey("worker-1"));
            for (String key : keys) {
                channel.basicPublish(address.news(), key, true, new AMQP.BasicProperties(), new byte[] {'x'});
            }
            channel.waitForConfirmsOrDie(60_000);
            assertThat(returned).containsExactly(keys.get(1), keys.get(2));
        }
    }
}
