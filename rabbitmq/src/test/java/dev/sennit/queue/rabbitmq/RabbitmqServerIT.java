package dev.sennit.queue.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.QueueCounts;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.RetryPolicy;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.conformance.OwnCertificate;
import dev.sennit.testing.server.TestServer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The broker beside a server with a short {@code consumer_timeout} and with TLS, and what others do to its queues. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RabbitmqServerIT {
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration SERVERS_TIMEOUT = Duration.ofSeconds(3);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    static Path folder;

    @SuppressWarnings("NullAway.Init")
    private TestServer server;
    private int tlsPort;

    @BeforeAll
    void start() throws Exception {
        OwnCertificate own = OwnCertificate.in(folder);
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            tlsPort = socket.getLocalPort();
        }
        server = TestServer.rabbitmq().password("hunter2")
                .configuration("consumer_timeout = " + SERVERS_TIMEOUT.toMillis(),
                        "listeners.ssl.1 = 127.0.0.1:" + tlsPort,
                        "ssl_options.cacertfile = " + own.certificate(),
                        "ssl_options.certfile = " + own.certificate(),
                        "ssl_options.keyfile = " + own.key(), "ssl_options.verify = verify_none")
                .open();
    }

    @AfterAll
    void close() throws Exception {
        if (server != null) {
            server.close();
        }
    }

    private String uri(String prefix) {
        return Servers.uri(server, server.port()) + "?prefix=" + prefix;
    }

    private static ClaimRequest request(int most) {
        return new ClaimRequest("worker-1", List.of("default"), Set.of("work"), most, LONG);
    }

    private static QueuedTask.Builder task() {
        return QueuedTask.of("work", new byte[] {'1'}).replyTo("me");
    }

    private static Claim claim(Broker broker) {
        List<Claim> claims = broker.claim(request(1)).claims();
        assertThat(claims).hasSize(1);
        return claims.getFirst();
    }

    private static boolean complete(Broker broker, Claim claim) {
        return broker.complete(List.of(new Completion(claim.token(), new byte[] {'2'}, Batch.EMPTY))).getFirst();
    }

    private static LeaseState extend(Broker broker, Claim claim) {
        return broker.extend(List.of(Renewal.of(claim.token())), LONG).getFirst();
    }

    // ---- consumer_timeout ----

    @Test
    void noRunOutlivesTheTimeoutOfConsumers() throws Exception {
        String said = "&consumerTimeout=" + SERVERS_TIMEOUT;
        try (Broker careful = Broker.open(uri("careful") + said);
                Broker wrong = Broker.open(uri("wrong"));
                Broker stored = Broker.open(uri("stored") + "&store=sqlite:" + folder.resolve("jobs.db"))) {
            assertThatThrownBy(() -> careful.enqueue(Batch.of(task().hardLimit(Duration.ofSeconds(4)).build())))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContainingAll("no limits of more than PT2.7S", "consumer_timeout", "?store=URI")
                    .hasMessageNotContainingAny("\n", "hunter2");
            for (Broker each : List.of(careful, wrong, stored)) {
                each.enqueue(Batch.of(task().build(), task().build()));
            }
            long since = System.nanoTime();
            Claim limited = claim(careful);
            assertThat(limited.task().hardLimit()).isEqualTo(Duration.ofMillis(2700));
            Claim taken = claim(wrong);
            Claim kept = claim(stored);
            Thread.sleep(SERVERS_TIMEOUT.multipliedBy(95).dividedBy(100).minusNanos(System.nanoTime() - since));
            // before the server does anything, the broker has taken it back
            assertThat(extend(careful, limited)).isIn(LeaseState.LOST, LeaseState.HELD);
            Claim young = claim(careful);
            Thread.sleep(100);
            assertThat(careful.upkeep(Upkeep.Limits.USUAL).takenBack()).isOne();
            assertThat(complete(careful, limited)).isFalse();
            assertThat(complete(careful, young)).as("another one is not concerned").isTrue();
            Claim again = claim(careful);
            assertThat(again.crashes()).isOne();
            assertThat(complete(careful, again)).isTrue();
            // the server takes it back, as nobody has told the broker of its timeout
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (extend(wrong, taken) != LeaseState.LOST) {
                assertThat(System.nanoTime()).as("the server takes it away").isLessThan(end);
                Thread.sleep(50);
            }
            assertThat(complete(wrong, taken)).isFalse();
            List<Claim> claims = new ArrayList<>();
            while (claims.size() < 2) {
                claims.addAll(wrong.claim(request(2)).claims());
            }
            assertThat(claims).extracting(one -> one.token().id()).contains(taken.token().id());
            claims.forEach(one -> assertThat(complete(wrong, one)).isTrue());
            // the lease lies in the store
            assertThat(extend(stored, kept)).isEqualTo(LeaseState.HELD);
            assertThat(complete(stored, kept)).isTrue();
            assertThat(stored.ended(List.of(kept.token().id()))).extracting(EndedTask::attempts).containsExactly(1);
        }
    }

    // ---- what others do ----

    @Test
    void aQueueThatWasDeletedIsMadeAgain() throws Exception {
        BlockingQueue<EndedTask> ends = new LinkedBlockingQueue<>();
        try (Broker broker = Broker.open(uri("deleted")); Connection connection = Servers.connect(server)) {
            broker.subscribe(new BrokerListener.Interest(Set.of(), "me", null), new BrokerListener() {
                @Override
                public void ended(EndedTask end) {
                    ends.add(end);
                }
            });
            broker.enqueue(Batch.of(task().id("lost").build()));
            String name = new Address(BrokerUri.parse(uri("deleted"))).source("default", "work");
            connection.createChannel().queueDelete(name);
            assertThat(broker.claim(request(5)).claims()).isEmpty();
            connection.createChannel().queueDelete(name);
            broker.enqueue(Batch.of(task().id("next").build()));
            Claim claim = claim(broker);
            assertThat(claim.token().id()).isEqualTo("next");
            connection.createChannel().queueDelete(name);
            complete(broker, claim); // whether it is ours by now or not, that says so
            broker.enqueue(Batch.of(task().id("last").build()));
            assertThat(complete(broker, claim(broker))).isTrue();
            for (EndedTask end = ends.poll(60, TimeUnit.SECONDS);; end = ends.poll(60, TimeUnit.SECONDS)) {
                assertThat(end).as("the end of the last one").isNotNull();
                if (end.id().equals("last")) {
                    break;
                }
            }
        }
    }

    @Test
    void aQueueOfSomebodyElseIsRefusedInOneLine() throws Exception {
        try (Broker broker = Broker.open(uri("foreign")); Connection connection = Servers.connect(server)) {
            connection.createChannel().queueDeclare(new Address(BrokerUri.parse(uri("foreign")))
                    .source("default", "work"), false, false, false, Map.of());
            assertThatThrownBy(() -> broker.enqueue(Batch.of(task().build()))).isInstanceOf(BrokerException.class)
                    .hasMessageContainingAll("a queue with this name and other settings", "use another prefix")
                    .hasMessageNotContainingAny("\n", "hunter2");
            broker.enqueue(Batch.of(QueuedTask.of("other", new byte[] {'1'}).build()));
        }
    }

    @Test
    void deadLettersHaveTheirReason() throws Exception {
        try (Broker broker = Broker.open(uri("dead"))) {
            broker.enqueue(Batch.of(task().id("bad").build()));
            assertThatThrownBy(() -> broker.fail(List.of(new Failure(claim(broker).token(),
                    new ErrorInfo("E", "x", ""), new Failure.RetryIn(Duration.ofSeconds(1))))))
                    .isInstanceOf(UnsupportedOperationException.class).hasMessageContaining("DELAY");
            assertThatThrownBy(() -> broker.enqueue(Batch.of(task().retry(RetryPolicy.attempts(3)).build())))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContainingAll("no waits between retries (DELAY)", "store=redis://HOST");
        } // the claim is lost with its worker
        try (Broker broker = Broker.open(uri("dead")); Connection connection = Servers.connect(server)) {
            Claim claim = claim(broker);
            assertThat(claim.crashes()).as("its worker was lost").isOne();
            broker.fail(List.of(new Failure(claim.token(), new ErrorInfo("my.Broken", "a\nb", "at X"),
                    new Failure.Die(DeadReason.FAILED))));
            assertThat(broker.counts()).extracting(QueueCounts::queue, one -> one.count(TaskState.DEAD))
                    .containsExactly(tuple("default", 1L));
            GetResponse letter = connection.createChannel()
                    .basicGet(new Address(BrokerUri.parse(uri("dead"))).dead("default"), true);
            Map<String, Object> headers = letter.getProps().getHeaders();
            assertThat(headers.get("sennit-reason").toString()).isEqualTo("FAILED");
            assertThat(headers.get("sennit-error").toString()).isEqualTo("my.Broken: a\nb");
            assertThat(Message.read(letter.getBody()).task().id()).isEqualTo("bad");
        }
    }

    // ---- what cannot be read ----

    @Test
    void mutatedMessagesHarmNobody() throws Exception {
        int count = Integer.getInteger("sennit.mutations", 1500);
        long seed = Long.getLong("sennit.seed", System.nanoTime());
        System.out.println("mutatedMessagesHarmNobody: seed " + seed);
        var random = new SplittableRandom(seed);
        var address = new Address(BrokerUri.parse(uri("mutated")));
        try (Broker broker = Broker.open(uri("mutated")); Connection connection = Servers.connect(server)) {
            broker.enqueue(Batch.of(task().build()));
            complete(broker, claim(broker));
            Channel channel = connection.createChannel();
            channel.confirmSelect();
            long bad = 0;
            long letters = 0;
            for (int sent = 0; sent < count;) {
                Set<String> good = new HashSet<>();
                List<byte[]> unreadable = new ArrayList<>();
                for (int i = 0; i < 500 && sent < count; i++, sent++) {
                    QueuedTask task = task().retry(RetryPolicy.attempts(3).waiting(Duration.ZERO)).build();
                    byte[] bytes = Message.of(task, broker.now(), i).bytes();
                    if (i % 10 == 0) {
                        good.add(task.id());
                    } else {
                        bytes = mutated(bytes, random);
                        if (!isReadable(bytes)) {
                            unreadable.add(bytes);
                        }
                    }
                    channel.basicPublish("", address.source("default", "work"), true,
                            MessageProperties.PERSISTENT_BASIC, bytes);
                }
                channel.waitForConfirmsOrDie(60_000);
                Set<String> done = new HashSet<>();
                List<Claim> claims = broker.claim(request(200)).claims();
                while (!claims.isEmpty()) {
                    claims.forEach(claim -> done.add(claim.token().id()));
                    broker.complete(claims.stream()
                            .map(claim -> new Completion(claim.token(), new byte[] {'2'}, Batch.EMPTY)).toList());
                    claims = broker.claim(request(200)).claims();
                }
                assertThat(done).containsAll(good);
                bad += unreadable.size();
                letters += assertBuried(channel, address.dead("default"), unreadable);
            }
            assertThat(letters).isEqualTo(bad).isPositive();
            System.out.println("mutatedMessagesHarmNobody: " + count + " messages, " + bad + " dead letters");
        }
    }

    private static long assertBuried(Channel channel, String dead, List<byte[]> unreadable) throws Exception {
        BlockingQueue<Delivery> letters = new LinkedBlockingQueue<>();
        String tag = channel.basicConsume(dead, true, (_, letter) -> letters.add(letter), _ -> {});
        List<byte[]> buried = new ArrayList<>();
        while (buried.size() < unreadable.size()) {
            Delivery letter = letters.poll(60, TimeUnit.SECONDS);
            assertThat(letter).as("letter %s of %s", buried.size(), unreadable.size()).isNotNull();
            if (letter.getProperties().getHeaders().get("sennit-reason").toString().equals("UNREADABLE")) {
                assertThat(letter.getProperties().getHeaders().get("sennit-error").toString()).isNotBlank();
                buried.add(letter.getBody());
            }
        }
        channel.basicCancel(tag);
        assertThat(letters).allSatisfy(letter -> assertThat(letter.getProperties().getHeaders().get("sennit-reason"))
                .as("one more").doesNotHaveToString("UNREADABLE"));
        buried.sort(Arrays::compare);
        unreadable.sort(Arrays::compare);
        for (int i = 0; i < buried.size(); i++) {
            assertThat(buried.get(i)).isEqualTo(unreadable.get(i));
        }
        return buried.size();
    }

    private static boolean isReadable(byte[] bytes) {
        try {
            Message.read(bytes);
            return true;
        } catch (RuntimeException e) {
            return false;
        }
    }

    private static byte[] mutated(byte[] bytes, SplittableRandom random) {
        byte[] other = bytes.clone();
        for (int times = 1 + random.nextInt(3); times > 0 && other.length > 0; times--) {
            int at = random.nextInt(other.length);
            switch (random.nextInt(5)) {
                case 0 -> other[at] = (byte) random.nextInt(256);
                case 1 -> other[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> other = Arrays.copyOf(other, at);
                case 3 -> other = Arrays.copyOfRange(other, at, other.length);
                default -> {
                    byte[] longer = Arrays.copyOf(other, other.length + 1 + random.nextInt(8));
                    System.arraycopy(other, at, longer, at + longer.length - other.length, other.length - at);
                    other = longer;
                }
            }
        }
        return other;
    }

    @Test
    void endsThatCannotBeReadArePassedOver() throws Exception {
        BlockingQueue<String> ends = new LinkedBlockingQueue<>();
        try (Broker broker = Broker.open(uri("ends")); Connection connection = Servers.connect(server)) {
            broker.subscribe(new BrokerListener.Interest(Set.of(), "me", null), new BrokerListener() {
                @Override
                public void ended(EndedTask end) {
                    ends.add(end.id());
                }
            });
            Channel channel = connection.createChannel();
            for (String text : List.of("", "{", "{}\n", "[]\nx", "{\"id\":1}\n", "\n\n")) {
                channel.basicPublish("", new Address(BrokerUri.parse(uri("ends"))).ends("me"),
                        new AMQP.BasicProperties(), text.getBytes(StandardCharsets.UTF_8));
                channel.basicPublish("ends/news", "all", new AMQP.BasicProperties(),
                        text.getBytes(StandardCharsets.UTF_8));
            }
            broker.enqueue(Batch.of(task().id("fine").build()));
            complete(broker, claim(broker));
            assertThat(ends.poll(60, TimeUnit.SECONDS)).isEqualTo("fine");
        }
    }

    // ---- who may come in ----

    @Test
    void whatIsWrongIsSaidInOneLineWithoutAPassword() throws Exception {
        String at = "@127.0.0.1:" + server.port();
        refused("rabbitmq://guest:wrong-secret" + at + "/", "refuses this user or password");
        refused("rabbitmq://guest:hunter2" + at + "/nowhere", "name a virtual host that is there");
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                try (var client = socket.accept()) {
                    client.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes());
                    client.getOutputStream().flush();
                    client.getInputStream().readAllBytes();
                } catch (java.io.IOException e) {
                    // the test sees it
                }
            });
            assertThatThrownBy(() -> Broker.open("rabbitmq://me:hunter2@127.0.0.1:" + socket.getLocalPort()))
                    .isInstanceOf(BrokerException.class).hasMessageNotContainingAny("\n", "hunter2");
        }
        int port;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        assertThatThrownBy(() -> Broker.open("rabbitmq://me:hunter2@127.0.0.1:" + port))
                .isInstanceOfSatisfying(BrokerException.class,
                        e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE))
                .hasMessageContaining("cannot be reached").hasMessageNotContainingAny("\n", "hunter2");
        try (Broker broker = Broker.open(uri("named"))) {
            assertThat(broker.name() + broker).doesNotContain("hunter2").contains("***");
        }
    }

    private static void refused(String uri, String why) {
        assertThatThrownBy(() -> Broker.open(uri)).isInstanceOfSatisfying(BrokerException.class,
                e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.REFUSED))
                .hasMessageContaining(why).hasMessageNotContainingAny("\n", "hunter2", "wrong-secret");
    }

    @Test
    void overTlsItChecksWhomItTalksTo() throws Exception {
        String at = "rabbitmqs://guest:hunter2@127.0.0.1:" + tlsPort + "/";
        String trusting = at + "?prefix=tls&sslrootcert=" + folder.resolve("certificate.pem");
        try (Broker broker = Broker.open(trusting)) {
            broker.enqueue(Batch.of(task().build()));
            assertThat(complete(broker, claim(broker))).isTrue();
        }
        assertThatThrownBy(() -> Broker.open(at).close()).isInstanceOfSatisfying(BrokerException.class,
                e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.REFUSED))
                .hasMessageContainingAll("a certificate that is not trusted", "sslrootcert")
                .hasMessageNotContainingAny("\n", "hunter2");
        assertThatThrownBy(() -> Broker.open(trusting.replace("127.0.0.1", "localhost")).close())
                .isInstanceOf(BrokerException.class).hasMessageContaining("a certificate that is not trusted");
        assertThatThrownBy(() -> Broker.open(at + "?sslrootcert=" + folder.resolve("nothing.pem")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("sslrootcert cannot be read");
    }

    // ---- alarms ----

    @Test
    @EnabledIfSystemProperty(named = "sennit.full", matches = "true")
    void aServerWithoutRoomIsTold() throws Exception {
        try (TestServer full = TestServer.rabbitmq().configuration("vm_memory_high_watermark.absolute = 1MB").open();
                Broker broker = Broker.open(Servers.uri(full, full.port()))) {
            assertThatThrownBy(() -> {
                for (int i = 0; i < 3; i++) {
                    broker.enqueue(Batch.of(task().build()));
                }
            }).isInstanceOfSatisfying(BrokerException.class,
                    e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE))
                    .hasMessageContaining("takes no messages (low on memory)").hasMessageNotContaining("\n");
        }
        try (TestServer full = TestServer.rabbitmq().configuration("vm_memory_high_watermark.absolute = 1MB").open();
                Broker broker = Broker.open(Servers.uri(full, full.port()))) {
            byte[] large = new byte[20 << 20]; // more than the buffers between take: the write hangs
            assertThatThrownBy(() -> broker.enqueue(Batch.of(QueuedTask.of("work", large).build(),
                    QueuedTask.of("work", large).build()))).isInstanceOfSatisfying(BrokerException.class,
                            e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE));
        }
    }
}
