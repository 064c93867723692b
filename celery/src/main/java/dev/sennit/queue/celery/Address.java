package dev.sennit.queue.celery;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ServerAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parts of {@code celery+redis://:PASSWORD@HOST:PORT/DB?OPTIONS}. Its text shows no password. */
final class Address {
    static final String SCHEME = "celery+redis";
    static final String SYNTAX = "celery+redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB][?default_queue=NAME"
            + "&priority_steps=0,3,6,9&visibility_timeout=SECONDS&result_expires=SECONDS]";

    private static final int PORT = 6379;
    private static final int MOST_SECONDS = 1_000_000_000;
    /** How many priorities there are. */
    private static final int PRIORITIES = 10;
    /** The text that kombu puts between the name of a queue and a priority. */
    private static final String SEPARATOR = "\u0006\u0016";

    private final BrokerUri uri;
    private final ServerAddress server;
    private final int database;
    private final String defaultQueue;
    private final List<Integer> steps;
    private final int visibilitySeconds;
    private final Duration resultExpires;

    Address(BrokerUri uri) {
        this.uri = uri;
        uri.ensureOnly(Set.of("default_queue", "priority_steps", "visibility_timeout", "result_expires"));
        server = ServerAddress.of(uri, "Celery's Redis", PORT, SYNTAX);
        database = server.path().isEmpty()
                ? 0
                : server.number(server.path(), "the number of a database behind the host", 0, MOST_SECONDS);
        defaultQueue = uri.options().getOrDefault("default_queue", "celery");
        steps = steps(server, uri.options().getOrDefault("priority_steps", "0,3,6,9"));
        visibilitySeconds = seconds("visibility_timeout", "3600");
        resultExpires = Duration.ofSeconds(seconds("result_expires", "86400"));
    }

    private int seconds(String option, String usual) {
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

    String host() {
        return server.host();
    }

    int port() {
        return server.port();
    }

    int database() {
        return database;
    }

    @Nullable String user() {
        return server.user();
    }

    @Nullable String password() {
        return uri.password();
    }

    int visibilitySeconds() {
        return visibilitySeconds;
    }

    Duration resultExpires() {
        return resultExpires;
    }

    String defaultQueue() {
        return defaultQueue;
    }

    // ---- queues and priorities ----

    /** Returns kombu's name of a queue: Sennit's usual queue is Celery's. */
    String queue(String name) {
        return name.equals(QueuedTask.USUAL_QUEUE) ? defaultQueue : name;
    }

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

    /** Whether each of Sennit's priorities has a list of its own. */
    boolean hasAllPriorities() {
        return steps.size() == PRIORITIES;
    }

    /**
     * Returns Celery's priority for one of Sennit's, the greatest of which goes first. Unless there are ten steps, the
     * usual priorities of both are the same: on Redis nothing goes before Celery's.
     */
    int priority(int sennit) {
        if (hasAllPriorities()) {
            return QueuedTask.GREATEST_PRIORITY - sennit;
        }
        int below = Math.max(0, QueuedTask.USUAL_PRIORITY - sennit);
        int last = steps.size() - 1;
        return steps.get((below * last + QueuedTask.USUAL_PRIORITY - 1) / QueuedTask.USUAL_PRIORITY);
    }

    /** Returns Sennit's priority for one of Celery's. */
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
