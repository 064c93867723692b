package dev.sennit.queue.celery;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.QueuedTask;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What stands in {@code celery+redis://:PASSWORD@HOST:PORT/DB?OPTIONS}. Its text shows no password. */
final class Address {
    static final String SCHEME = "celery+redis";
    static final String SYNTAX = "celery+redis://[[USER]:PASSWORD@]HOST[:PORT]/[DB][?default_queue=NAME"
            + "&priority_steps=0,3,6,9&visibility_timeout=SECONDS&result_expires=SECONDS]";

    private static final int PORT = 6379;
    private static final int MOST_SECONDS = 1_000_000_000;
    /** How many priorities there are. */
    private static final int PRIORITIES = 10;
    /** What kombu puts between the name of a queue and a priority. */
    private static final String SEPARATOR = "\u0006\u0016";

    private final BrokerUri uri;
    private final String host;
    private final int port;
    private final int database;
    private final @Nullable String user;
    private final String defaultQueue;
    private final List<Integer> steps;
    private final int visibilitySeconds;
    private final Duration resultExpires;

    Address(BrokerUri uri) {
        this.uri = uri;
        uri.ensureOnly(Set.of("default_queue", "priority_steps", "visibility_timeout", "result_expires"));
        if (!uri.rest().startsWith("//")) {
            throw wrong("begins with celery+redis://");
        }
        String rest = uri.rest().substring(2);
        int at = rest.lastIndexOf('@');
        String who = at < 0 ? "" : rest.substring(0, at);
        String where = rest.substring(at + 1);
        int slash = where.indexOf('/');
        String server = slash < 0 ? where : where.substring(0, slash);
        int colon = server.startsWith("[")
                ? server.indexOf(':', Math.max(0, server.indexOf(']')))
                : server.indexOf(':');
        host = decoded(colon < 0 ? server : server.substring(0, colon));
        if (host.isEmpty()) {
            throw wrong("has the name of a host");
        }
        port = colon < 0 ? PORT : number(server.substring(colon + 1), "a port", 1, 65_535);
        String name = slash < 0 ? "" : where.substring(slash + 1);
        database = name.isEmpty() ? 0 : number(name, "the number of a database behind the host", 0, MOST_SECONDS);
        String before = decoded(who.indexOf(':') < 0 ? who : who.substring(0, who.indexOf(':')));
        user = before.isEmpty() ? null : before;
        defaultQueue = uri.options().getOrDefault("default_queue", "celery");
        steps = steps(uri.options().getOrDefault("priority_steps", "0,3,6,9"));
        visibilitySeconds =
                number(uri.options().getOrDefault("visibility_timeout", "3600"), "visibility_timeout", 1, MOST_SECONDS);
        resultExpires = Duration.ofSeconds(
                number(uri.options().getOrDefault("result_expires", "86400"), "result_expires", 1, MOST_SECONDS));
    }

    private static List<Integer> steps(String text) {
        List<Integer> steps = new ArrayList<>();
        for (String each : text.split(",", -1)) {
            int step = number(each.strip(), "priority_steps", 0, PRIORITIES - 1);
            if (steps.isEmpty() ? step != 0 : step <= steps.getLast()) {
                throw new IllegalArgumentException(
                        SCHEME + " has priority_steps that begin with 0 and ascend, as in 0,3,6,9, was " + text);
            }
            steps.add(step);
        }
        return List.copyOf(steps);
    }

    private static int number(String text, String what, int least, int most) {
        try {
            int number = Integer.parseInt(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below, without the text: it may be part of a password with a sign that is not encoded
        }
        throw new IllegalArgumentException(SCHEME + " has " + what + " from " + least + " to " + most
                + "; signs in a password are written as % and two hexadecimal digits");
    }

    private static IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("the address of a broker for Celery on Redis " + what + ": " + SYNTAX);
    }

    private static String decoded(String text) {
        try {
            return text.indexOf('%') < 0 ? text : URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) { // a message of its own, as that of the JDK shows the text
            throw wrong("has % without two hexadecimal digits");
        }
    }

    String host() {
        return host;
    }

    int port() {
        return port;
    }

    int database() {
        return database;
    }

    @Nullable String user() {
        return user;
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
