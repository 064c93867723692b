package dev.sennit.queue.celery;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ServerAddress;
import dev.sennit.queue.redis.foreign.Sentinels;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parts of {@code celery+amqp://USER:PASSWORD@HOST:PORT/VHOST?OPTIONS}. Its text shows no password. */
final class AmqpAddress extends Address {
    static final String SCHEME = "celery+amqp";
    static final String SECURE_SCHEME = "celery+amqps";
    static final String SYNTAX = "celery+amqp[s]://[USER:PASSWORD@]HOST[:PORT]/[VHOST][?default_queue=NAME"
            + "&result=rpc|redis[s]://[:PASSWORD%40]HOST[:PORT]/[DB]&result_expires=SECONDS&max_priority=10"
            + "&queue_type=classic|quorum&consumer_timeout=SECONDS]";

    /** The options that the address of a store of results may have, by its scheme. */
    private static final Map<String, Set<String>> OF_RESULTS = Map.of(
            "redis", Set.of(), "rediss", Set.of("sslrootcert"), "redis" + Sentinels.SCHEME, Sentinels.OPTIONS);
    private static final int PORT = 5672;
    private static final int SECURE_PORT = 5671;
    private static final int MOST_SECONDS = 1_000_000_000;
    private static final int MOST_PRIORITY = 255;
    private static final String RPC = "rpc";
    private static final String GUEST = "guest";

    private final BrokerUri uri;
    private final ServerAddress server;
    private final boolean isSecure;
    private final boolean isQuorum;
    private final int mostPriority;
    private final Duration consumerTimeout;
    private final @Nullable RedisAddress results;
    private final String text;

    AmqpAddress(BrokerUri uri) {
        this(uri, ServerAddress.of(uri, "Celery's RabbitMQ", uri.scheme().equals(SECURE_SCHEME) ? SECURE_PORT : PORT,
                SYNTAX));
    }

    private AmqpAddress(BrokerUri uri, ServerAddress server) {
        super(uri.options().getOrDefault("default_queue", "celery"),
                Duration.ofSeconds(number(uri, server, "result_expires", "86400", 1, MOST_SECONDS)));
        this.uri = uri;
        this.server = server;
        uri.ensureOnly(Set.of("default_queue", "result", "result_expires", "max_priority", "queue_type",
                "consumer_timeout"));
        isSecure = uri.scheme().equals(SECURE_SCHEME);
        mostPriority = number(uri, server, "max_priority", "0", 0, MOST_PRIORITY);
        consumerTimeout = Duration.ofSeconds(number(uri, server, "consumer_timeout", "1800", 1, MOST_SECONDS));
        String type = uri.options().getOrDefault("queue_type", "classic");
        isQuorum = type.equals("quorum");
        if (!isQuorum && !type.equals("classic")) {
            throw new IllegalArgumentException(uri.scheme() + " has queue_type=classic or quorum");
        }
        if (isQuorum && mostPriority > 0) {
            throw new IllegalArgumentException(
                    uri.scheme() + " has no max_priority with queue_type=quorum: quorum queues have no priorities");
        }
        String where = uri.options().getOrDefault("result", RPC);
        if (where.equals(RPC)) {
            results = null;
            text = uri.toString();
        } else {
            BrokerUri store = results(where);
            results = new RedisAddress(store);
            text = uri.toString().replace(where, store.toString().replaceFirst("^celery\\+", ""));
        }
    }

    private BrokerUri results(String where) {
        String scheme = where.replaceFirst("://.*", "");
        Set<String> options = OF_RESULTS.get(scheme);
        BrokerUri store = options == null || !where.startsWith(scheme + "://")
                ? null
                : BrokerUri.parse("celery+" + where);
        if (options == null || store == null || !options.containsAll(store.options().keySet())) {
            throw new IllegalArgumentException(uri.scheme() + " has result=rpc, result=redis://HOST/DB,"
                    + " result=rediss://HOST/DB[%3Fsslrootcert=FILE] or"
                    + " result=redis+sentinel://HOST/DB%3Fmaster=NAME: results are kept nowhere else");
        }
        return BrokerUri.parse("celery+" + where + (store.options().isEmpty() ? "?" : "&") + "result_expires="
                + resultExpires().toSeconds());
    }

    private static int number(BrokerUri uri, ServerAddress server, String option, String usual, int least, int most) {
        return server.number(uri.options().getOrDefault(option, usual), option, least, most);
    }

    @Override
    public String host() {
        return server.host();
    }

    @Override
    public int port() {
        return server.port();
    }

    @Override
    String transport() {
        return "amqp";
    }

    @Override
    String virtualHost() {
        return server.path().isEmpty() ? "/" : server.path();
    }

    boolean isSecure() {
        return isSecure;
    }

    String user() {
        String user = server.user();
        return user == null ? GUEST : user;
    }

    String password() {
        String password = uri.password();
        return password == null ? GUEST : password;
    }

    /** Whether queues are quorum queues; then delays are those of Celery 5.5. */
    boolean isQuorum() {
        return isQuorum;
    }

    /** Returns after how long RabbitMQ takes a message back that is not acknowledged. */
    Duration consumerTimeout() {
        return consumerTimeout;
    }

    /** Returns the Redis that holds results, or null if they are sent to who waits. */
    @Nullable RedisAddress results() {
        return results;
    }

    /** Returns the arguments with which a queue of tasks is declared, as Celery would. */
    Map<String, Object> queueArguments() {
        Map<String, Object> arguments = new HashMap<>();
        if (mostPriority > 0) {
            arguments.put("x-max-priority", mostPriority);
        }
        if (isQuorum) {
            arguments.put("x-queue-type", "quorum");
        }
        return arguments;
    }

    // ---- priorities ----

    @Override
    boolean hasAllPriorities() {
        return mostPriority >= QueuedTask.GREATEST_PRIORITY;
    }

    @Override
    @Nullable String obstacle(int sennitPriority) {
        return hasAllPriorities() || sennitPriority == QueuedTask.USUAL_PRIORITY
                ? null
                : isQuorum
                        ? "quorum queues have no priorities"
                        : "queues of RabbitMQ have priorities if they were declared so; have max_priority=10 here and"
                                + " task_queue_max_priority=10 in Celery";
    }

    /** Both have the greatest first. */
    @Override
    int priority(int sennit) {
        return hasAllPriorities() ? sennit : 0;
    }

    @Override
    int sennitPriority(int celery) {
        return hasAllPriorities()
                ? Math.clamp(celery, 0, QueuedTask.GREATEST_PRIORITY)
                : QueuedTask.USUAL_PRIORITY;
    }

    @Override
    public String toString() {
        return text;
    }
}
