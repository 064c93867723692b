package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.testing.server.TestServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import redis.clients.jedis.exceptions.JedisException;

/** A master and its replica, and three sentinels of which two have to agree that the master is gone. */
final class SentinelGroup implements AutoCloseable {
    static final String PASSWORD = "hunter2.is-secret";
    static final String SENTINELS_PASSWORD = "hunter3.is-secret";

    private static final long BOUND_NANOS = 60_000_000_000L;

    private final List<TestServer> servers = new ArrayList<>();
    private final List<TestServer> sentinels = new ArrayList<>();

    SentinelGroup() throws Exception {
        try {
            servers.add(server());
            servers.add(server("replicaof 127.0.0.1 " + servers.getFirst().port()));
            await("the replica has all", () -> hasReplica(servers.getFirst()));
            for (int i = 0; i < 3; i++) {
                sentinels.add(sentinel(servers.getFirst()));
            }
            for (TestServer each : sentinels) { // they look, and tell each other, more often than every few seconds
                asked(each, "SENTINEL", "DEBUG", "INFO-PERIOD", "100", "PING-PERIOD", "100", "PUBLISH-PERIOD", "100");
            }
            for (TestServer each : sentinels) {
                await("a sentinel knows the others", () -> ask(each, "SENTINEL", "CKQUORUM", "mymaster")
                        .contains("OK 3 usable Sentinels"));
                await("a sentinel knows the replica",
                        () -> asked(each, "SENTINEL", "REPLICAS", "mymaster") instanceof List<?> all
                                && all.size() == 1);
            }
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    private static TestServer server(String... more) throws IOException, InterruptedException {
        return TestServer.redis().password(PASSWORD).fsync(false)
                .configuration("masterauth " + PASSWORD, "repl-diskless-sync-delay 0").configuration(more).open();
    }

    private static TestServer sentinel(TestServer master) throws IOException, InterruptedException {
        return TestServer.redis().password(SENTINELS_PASSWORD)
                .configuration("sentinel monitor mymaster 127.0.0.1 " + master.port() + " 2",
                        "sentinel auth-pass mymaster " + PASSWORD,
                        "sentinel sentinel-pass " + SENTINELS_PASSWORD,
                        "sentinel down-after-milliseconds mymaster 500",
                        "sentinel failover-timeout mymaster 2000")
                .open();
    }

    /** Waits until something is so; an error of a server that is away says that it is not. */
    static void await(String what, Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (true) {
            try {
                if (condition.call()) {
                    return;
                }
            } catch (JedisException e) {
                // not yet
            }
            assertThat(System.nanoTime() - start).as("nanoseconds until " + what).isLessThan(BOUND_NANOS);
            Thread.sleep(20);
        }
    }

    static Object asked(TestServer server, String... words) {
        try (var console = new Console(server)) {
            console.run("AUTH", server.uri().getUserInfo().substring(1));
            return console.run(words);
        }
    }

    private static String ask(TestServer server, String... words) {
        return asked(server, words) instanceof byte[] text ? new String(text) : "";
    }

    static boolean hasReplica(TestServer server) {
        return ask(server, "INFO", "replication").contains("state=online");
    }

    static boolean isMaster(TestServer server) {
        return ask(server, "INFO", "replication").contains("role:master");
    }

    TestServer server(int number) {
        return servers.get(number);
    }

    TestServer sentinel(int number) {
        return sentinels.get(number);
    }

    /** The address of a broker that asks all sentinels. */
    String uri() {
        return "redis+sentinel://:" + PASSWORD + "@"
                + sentinels.stream().map(each -> "127.0.0.1:" + each.port()).collect(Collectors.joining(","))
                + "/0?master=mymaster&sentinelPassword=" + SENTINELS_PASSWORD;
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        List<TestServer> all = new ArrayList<>(sentinels); // first, so that none of them sees a master end
        all.addAll(servers);
        for (TestServer each : all) {
            try {
                each.close();
            } catch (IOException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
