package dev.sennit.queue.celery;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ServerAddress;
import dev.sennit.queue.redis.foreign.Endpoint;
import dev.sennit.queue.redis.foreign.Sentinels;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The parts of {@code celery+redis://:PASSWORD@HOST:PORT/DB?OPTIONS}, or {@code celery+redis+sentinel://} and several
 * hosts. Its text shows no password.
 */
final class RedisAddress extends Address implements Endpoint {
    static final String SCHEME = "celery+redis";
    static final String SYNTAX = "celery+redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB][?default_queue=NAME"
            + "&priority_steps=0,3,6,9&visibility_timeout=SECONDS&result_expires=SECONDS]";
    static final String SECURE_SCHEME = "celery+rediss";
    static final String SECURE_SYNTAX = "celery+rediss://HOST...[?sslrootcert=FILE] (TLS)";
    static final String SENTINEL_SCHEME = SCHEME + Sentinels.SCHEME;
    static final String SENTINEL_SYNTAX = "celery+redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST...]/[DB]"
            + "?master=NAME[&sentinelPassword=PASSWORD&default_queue=NAME...]";

    private static final int PORT = 6379;
    private static final int MOST_SECONDS = 1_000_000_000;
    /** How many priorities there are. */
    private static final int PRIORITIES = 10;
    /** The text that kombu puts between the name of a queue and a priority. */
    private static final String SEPARATOR = "\u0006\u0016";

    private final BrokerUri uri;
    private final ServerAddress server;
    private final @Nullable Sentinels sentinels;
    private final int database;
    private final List<Integer> steps;
    private final int visibilitySeconds;

    RedisAddress(BrokerUri uri) {
        this(uri, uri.scheme().equals(SENTINEL_SCHEME)
                ? new Sentinels(uri, "Celery's Redis", SENTINEL_SYNTAX, false, null)
                : null);
    }

    private RedisAddress(BrokerUri uri, @Nullable Sentinels sentinels) {
        this(uri, sentinels, sentinels == null
                ? ServerAddress.of(uri, "Celery's Redis", PORT, SYNTAX)
                : sentinels.address());
    }

    private RedisAddress(BrokerUri uri, @Nullable Sentinels sentinels, ServerAddress server) {
        super(uri.options().getOrDefault("default_queue", "celery"),
                Duration.ofSeconds(seconds(uri, server, "result_expires", "86400")));
        this.uri = uri;
        this.server = server;
        this.sentinels = sentinels;
        Set<String> known =
                new HashSet<>(Set.of("default_queue", "priority_steps", "visibility_timeout", "result_expires"));
        known.addAll(sentinels == null ? Set.of() : Sentinels.OPTIONS);
        if (isTls()) {
            known.add("sslrootcert");
        }
        uri.ensureOnly(known);
        database = server.path().isEmpty()
                ? 0
                : server.number(server.path(), "the number of a database behind the host", 0, MOST_SECONDS);
        steps = steps(server, uri.options().getOrDefault("priority_steps", "0,3,6,9"));
        visibilitySeconds = seconds(uri, server, "visibility_timeout", "3600");
    }

    private static int seconds(BrokerUri uri, ServerAddress server, String option, String usual) {
        return server.number(uri.options().getOrDefault(option, usual), option, 1, MOST_SECONDS);
    }

    private static List<Integer> steps(ServerAddress server, String text) {
        List<Integer> steps = new ArrayList<>();
        for (String each : text.split(",", -1)) {
            int step = server.number(each.strip(), "priority_steps", 0, PRIORITIES - 1);
            if (steps.isEmpty() ? step != 0 : step <= steps.getLast()) {
                throw new IllegalArgumentException(
                        SCHEME + " has priority_steps that begin with 0 and ascend, as in 0,3,6,9, was " + text);
            }
            steps.add(step);
        }
        return List.copyOf(steps);
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
    public int database() {
        return database;
    }

    @Override
    public @Nullable String user() {
        return server.user();
    }

    @Override
    public @Nullable String password() {
        return uri.password();
    }

    @Override
    public boolean isTls() {
        return uri.scheme().equals(SECURE_SCHEME);
    }

    @Override
    public @Nullable String rootCertificates() {
        return uri.options().get("sslrootcert");
    }

    @Override
    public @Nullable Sentinels sentinels() {
        return sentinels;
    }

    int visibilitySeconds() {
        return visibilitySeconds;
    }

    @Override
    String transport() {
        return "redis";
    }

    @Override
    String virtualHost() {
        return Integer.toString(database);
    }

    // ---- queues and priorities ----

    /** Returns the lists of a queue, the one that goes first at the beginning. */
    List<String> lists(String name) {
        String queue = queue(name);
        return steps.stream().map(step -> list(queue, step)).toList();
    }

    /** Returns the list for a priority of Celery, of which 0 goes first. */
    String list(String kombuQueue, int priority) {
        int step = 0;
        for (int each : steps) {
            if (each <= priority) {
                step = each;
            }
        }
        return step == 0 ? kombuQueue : kombuQueue + SEPARATOR + step;
    }

    /** Returns the name of the queue of a list. */
    static String queueOf(String list) {
        int separator = list.indexOf(SEPARATOR);
        return separator < 0 ? list : list.substring(0, separator);
    }

    @Override
    boolean hasAllPriorities() {
        return steps.size() == PRIORITIES;
    }

    @Override
    @Nullable String obstacle(int sennitPriority) {
        return sennitPriority <= QueuedTask.USUAL_PRIORITY || hasAllPriorities()
                ? null
                : "nothing goes before Celery's usual priority on Redis; have"
                        + " priority_steps=0,1,2,3,4,5,6,7,8,9 here and in Celery's broker_transport_options";
    }

    /**
     * Returns Celery's priority for one of Sennit's, the greatest of which goes first. Unless there are ten steps, the
     * usual priorities of both are the same: on Redis nothing goes before Celery's.
     */
    @Override
    int priority(int sennit) {
        if (hasAllPriorities()) {
            return QueuedTask.GREATEST_PRIORITY - sennit;
        }
        int below = Math.max(0, QueuedTask.USUAL_PRIORITY - sennit);
        int last = steps.size() - 1;
        return steps.get((below * last + QueuedTask.USUAL_PRIORITY - 1) / QueuedTask.USUAL_PRIORITY);
    }

    @Override
    int sennitPriority(int celery) {
        if (hasAllPriorities()) {
            return QueuedTask.GREATEST_PRIORITY - Math.clamp(celery, 0, QueuedTask.GREATEST_PRIORITY);
        }
        for (int sennit = QueuedTask.USUAL_PRIORITY; sennit > 0; sennit--) {
            if (priority(sennit) >= celery) {
                return sennit;
            }
        }
        return 0;
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
