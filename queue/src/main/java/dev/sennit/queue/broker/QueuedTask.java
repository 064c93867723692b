package dev.sennit.queue.broker;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A task as a queue keeps it: the name of its type, its argument, and how it is to be run. {@link TaskJson} writes and
 * reads it.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.QueuedTask;
 *
 * byte[] argument = "{\"path\":\"a.jpg\"}".getBytes();
 * QueuedTask task = QueuedTask.of("thumbs.make", argument).queue("images").priority(9).build();
 * }
 *
 * <p>A record of arrays: two tasks are equal only if they share the array of their argument.
 *
 * @param id the id, which no other task has
 * @param type the name of the task type
 * @param version the version of the task type, 1 or more: what the argument looks like
 * @param queue the queue
 * @param priority from {@value #LEAST_PRIORITY} to {@value #GREATEST_PRIORITY}; the greatest goes first
 * @param payload the argument, as JSON in UTF-8; nobody changes the array
 * @param due when it may begin, or null for at once
 * @param expires when it is too late to begin, or null for never. It counts whenever the task waits, also for a retry
 * @param retry what happens after a failure
 * @param softLimit after how long a run is asked to stop, or null
 * @param hardLimit after how long a run is ended, or null
 * @param atMostOnce whether a run that was begun is never repeated, also if its worker was lost
 * @param unique which other tasks are refused meanwhile, or null
 * @param key with which other tasks it takes turns, or null
 * @param headers what travels along: a trace context, a tenant
 * @param resultTtl how long its end is kept for those who ask; zero for not at all
 * @param replyTo the address of whoever is told of its end, or null
 * @param root the id of the first task of its workflow; its own, if it is the first or the only one
 * @param part its place in a join, or null
 * @param after the id of the join that it waits for, or null
 * @param onDead tasks that the broker enqueues if this one does not succeed: it is dead, cancelled or expired. They get
 *     the headers {@value #DEAD_ID}, {@value #DEAD_REASON} and {@value #DEAD_ERROR}, and new ids; their unique keys
 *     count
 */
public record QueuedTask(String id, String type, int version, String queue, int priority, byte[] payload,
        @Nullable When due, @Nullable When expires, RetryPolicy retry, @Nullable Duration softLimit,
        @Nullable Duration hardLimit, boolean atMostOnce, @Nullable Unique unique, @Nullable KeyLimit key,
        Map<String, String> headers, Duration resultTtl, @Nullable String replyTo, String root, @Nullable PartOf part,
        @Nullable String after, List<QueuedTask> onDead) {
    /** The priority that goes last. */
    public static final int LEAST_PRIORITY = 0;
    /** The priority that goes first. */
    public static final int GREATEST_PRIORITY = 9;
    /** The priority of tasks that name none. */
    public static final int USUAL_PRIORITY = 5;
    /** The queue of tasks that name none. */
    public static final String USUAL_QUEUE = "default";
    /** How long the end of a task is kept that says nothing else. */
    public static final Duration USUAL_RESULT_TTL = Duration.ofDays(1);
    /** The header of an error callback with the id of the task that did not succeed. */
    public static final String DEAD_ID = "sennit-dead-id";
    /** The header of an error callback with a {@link DeadReason}, {@code CANCELLED} or {@code EXPIRED}. */
    public static final String DEAD_REASON = "sennit-dead-reason";
    /** The header of an error callback with the last error, in one line. */
    public static final String DEAD_ERROR = "sennit-dead-error";

    /** The header of an error callback with the type of the task that did not succeed; the sender sets it. */
    public static final String DEAD_TYPE = "sennit-dead-type";
    /**
     * The header that says how a worker makes the argument. {@code own}: it is the payload, also if the task has waited
     * for others. {@code dead}: it is {@code {"id", "type", "reason", "error"}} of the headers of an error callback.
     * Otherwise it is the shape of {@link Claim#inputs}: {@code .} is an input, {@code (...)} a list, in which a number
     * stands for so many inputs, {@code +(4)} the concatenation of four inputs that are lists, and {@code -2} passes
     * over two inputs. Without the header it is the payload, or the only input, or the list of all of them.
     *
     * <p>Of a task that a program in another language has submitted: {@code positional}, if the payload is the list of
     * its arguments, which a record takes in the order of its components; {@code mixed}, if it is
     * {@code {"args": [...], "kwargs": {...}}}, of which a record takes both; {@code single}, if the payload is
     * the only argument and an object, not the object of the named ones. A record takes any other payload of such a
     * task, if it is no object, as its first component.
     */
    public static final String ARGUMENT = "sennit-argument";
    /**
     * The header of a task whose submitter knows nothing of retry policies: a worker takes the policy of the task type,
     * and its limits if the task has none.
     */
    public static final String FOREIGN = "sennit-foreign";

    /** Milliseconds and, in the last 12 bits, what keeps ids of one millisecond apart. */
    private static final AtomicLong LAST_ID = new AtomicLong();
    private static final int LONGEST_NAME = 200;

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if one is out of its bounds
     */
    public QueuedTask {
        Objects.requireNonNull(payload, "payload");
        ensureName("id", id);
        ensureName("type", type);
        ensureName("queue", queue);
        ensureName("root", root);
        if (version < 1) {
            throw new IllegalArgumentException("version must be >= 1, was " + version);
        }
        if (priority < LEAST_PRIORITY || priority > GREATEST_PRIORITY) {
            throw new IllegalArgumentException(
                    "priority must be from " + LEAST_PRIORITY + " to " + GREATEST_PRIORITY + ", was " + priority);
        }
        ensurePositive("softLimit", softLimit);
        ensurePositive("hardLimit", hardLimit);
        if (softLimit != null && hardLimit != null && softLimit.compareTo(hardLimit) >= 0) {
            throw new IllegalArgumentException(
                    "softLimit must be < hardLimit, was " + softLimit + " with hardLimit " + hardLimit);
        }
        if (resultTtl.isNegative()) {
            throw new IllegalArgumentException("resultTtl must be >= 0, was " + resultTtl);
        }
        headers = Map.copyOf(headers);
        onDead = List.copyOf(onDead);
    }

    /**
     * Returns a builder of a task with a new id and the usual settings.
     *
     * @param type the name of its type
     * @param payload the argument, as JSON
     * @return the builder
     */
    public static Builder of(String type, byte[] payload) {
        return new Builder(newId(), type, payload);
    }

    /**
     * Returns a new id: a UUID that begins with the time, so that ids of tasks are near each other in an index. It is
     * greater than all that this process has got before, so that tasks are listed in the order in which they were made.
     *
     * @return the id
     */
    public static String newId() {
        UUID random = UUID.randomUUID();
        long fresh = System.currentTimeMillis() << 12 | random.getMostSignificantBits() & 0x7FF;
        long number = LAST_ID.accumulateAndGet(fresh, (last, now) -> Math.max(last + 1, now));
        long time = number >> 12 << 16 | 0x7000 | number & 0xFFF; // version 7 of RFC 9562
        return new UUID(time, random.getLeastSignificantBits()).toString();
    }

    /**
     * Returns a builder with the values of this task, its id among them.
     *
     * @return the builder
     */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Shows no argument and no header, as these may hold secrets. */
    @Override
    public String toString() {
        return type + "[" + id + ", queue " + queue + ", priority " + priority + ", " + payload.length + " bytes]";
    }

    private static void ensureName(String what, String name) {
        if (name.isBlank() || name.length() > LONGEST_NAME) {
            throw new IllegalArgumentException(
                    what + " must have 1 to " + LONGEST_NAME + " characters, had " + name.length());
        }
    }

    private static void ensurePositive(String what, @Nullable Duration value) {
        if (value != null && !value.isPositive()) {
            throw new IllegalArgumentException(what + " must be > 0, was " + value);
        }
    }

    /** Builds a task. */
    public static final class Builder {
        private String id;
        private final String type;
        private int version = 1;
        private String queue = USUAL_QUEUE;
        private int priority = USUAL_PRIORITY;
        private byte[] payload;
        private @Nullable When due;
        private @Nullable When expires;
        private RetryPolicy retry = RetryPolicy.NONE;
        private @Nullable Duration softLimit;
        private @Nullable Duration hardLimit;
        private boolean atMostOnce;
        private @Nullable Unique unique;
        private @Nullable KeyLimit key;
        private Map<String, String> headers = Map.of();
        private Duration resultTtl = USUAL_RESULT_TTL;
        private @Nullable String replyTo;
        /** Null for the task's own id. */
        private @Nullable String root;

        private @Nullable PartOf part;
        private @Nullable String after;
        private List<QueuedTask> onDead = List.of();

        private Builder(String id, String type, byte[] payload) {
            this.id = id;
            this.type = type;
            this.payload = payload;
        }

        private Builder(QueuedTask task) {
            this(task.id, task.type, task.payload);
            version = task.version;
            queue = task.queue;
            priority = task.priority;
            due = task.due;
            expires = task.expires;
            retry = task.retry;
            softLimit = task.softLimit;
            hardLimit = task.hardLimit;
            atMostOnce = task.atMostOnce;
            unique = task.unique;
            key = task.key;
            headers = task.headers;
            resultTtl = task.resultTtl;
            replyTo = task.replyTo;
            root = task.root.equals(task.id) ? null : task.root;
            part = task.part;
            after = task.after;
            onDead = task.onDead;
        }

        /**
         * Sets {@link QueuedTask#id}. A task that is the first of its workflow stays so.
         *
         * @param newId the id
         * @return this
         */
        public Builder id(String newId) {
            id = newId;
            return this;
        }

        /**
         * Sets {@link QueuedTask#version}.
         *
         * @param newVersion the version
         * @return this
         */
        public Builder version(int newVersion) {
            version = newVersion;
            return this;
        }

        /**
         * Sets {@link QueuedTask#queue}.
         *
         * @param newQueue the queue
         * @return this
         */
        public Builder queue(String newQueue) {
            queue = newQueue;
            return this;
        }

        /**
         * Sets {@link QueuedTask#priority}.
         *
         * @param newPriority the priority
         * @return this
         */
        public Builder priority(int newPriority) {
            priority = newPriority;
            return this;
        }

        /**
         * Sets {@link QueuedTask#payload}.
         *
         * @param newPayload the argument, as JSON
         * @return this
         */
        public Builder payload(byte[] newPayload) {
            payload = newPayload;
            return this;
        }

        /**
         * Sets {@link QueuedTask#due}.
         *
         * @param newDue when it may begin, or null
         * @return this
         */
        public Builder due(@Nullable When newDue) {
            due = newDue;
            return this;
        }

        /**
         * Sets {@link QueuedTask#expires}.
         *
         * @param newExpires when it is too late to begin, or null
         * @return this
         */
        public Builder expires(@Nullable When newExpires) {
            expires = newExpires;
            return this;
        }

        /**
         * Sets {@link QueuedTask#retry}.
         *
         * @param newRetry the policy
         * @return this
         */
        public Builder retry(RetryPolicy newRetry) {
            retry = newRetry;
            return this;
        }

        /**
         * Sets {@link QueuedTask#softLimit}.
         *
         * @param limit the limit, or null
         * @return this
         */
        public Builder softLimit(@Nullable Duration limit) {
            softLimit = limit;
            return this;
        }

        /**
         * Sets {@link QueuedTask#hardLimit}.
         *
         * @param limit the limit, or null
         * @return this
         */
        public Builder hardLimit(@Nullable Duration limit) {
            hardLimit = limit;
            return this;
        }

        /**
         * Sets {@link QueuedTask#atMostOnce}.
         *
         * @param once whether a run that was begun is never repeated
         * @return this
         */
        public Builder atMostOnce(boolean once) {
            atMostOnce = once;
            return this;
        }

        /**
         * Sets {@link QueuedTask#unique}.
         *
         * @param newUnique which other tasks are refused, or null
         * @return this
         */
        public Builder unique(@Nullable Unique newUnique) {
            unique = newUnique;
            return this;
        }

        /**
         * Sets {@link QueuedTask#key}.
         *
         * @param newKey with which other tasks it takes turns, or null
         * @return this
         */
        public Builder key(@Nullable KeyLimit newKey) {
            key = newKey;
            return this;
        }

        /**
         * Sets {@link QueuedTask#headers}.
         *
         * @param newHeaders the headers
         * @return this
         */
        public Builder headers(Map<String, String> newHeaders) {
            headers = newHeaders;
            return this;
        }

        /**
         * Sets {@link QueuedTask#resultTtl}.
         *
         * @param ttl how long its end is kept
         * @return this
         */
        public Builder resultTtl(Duration ttl) {
            resultTtl = ttl;
            return this;
        }

        /**
         * Sets {@link QueuedTask#replyTo}.
         *
         * @param address who is told of its end, or null
         * @return this
         */
        public Builder replyTo(@Nullable String address) {
            replyTo = address;
            return this;
        }

        /**
         * Sets {@link QueuedTask#root}.
         *
         * @param newRoot the id of the first task of its workflow
         * @return this
         */
        public Builder root(String newRoot) {
            root = newRoot;
            return this;
        }

        /**
         * Sets {@link QueuedTask#part}.
         *
         * @param newPart its place in a join, or null
         * @return this
         */
        public Builder part(@Nullable PartOf newPart) {
            part = newPart;
            return this;
        }

        /**
         * Sets {@link QueuedTask#after}.
         *
         * @param join the id of the join that it waits for, or null
         * @return this
         */
        public Builder after(@Nullable String join) {
            after = join;
            return this;
        }

        /**
         * Sets {@link QueuedTask#onDead}.
         *
         * @param callbacks the error callbacks
         * @return this
         */
        public Builder onDead(List<QueuedTask> callbacks) {
            onDead = callbacks;
            return this;
        }

        /**
         * Builds the task.
         *
         * @return the task
         * @throws IllegalArgumentException if a value is out of its bounds
         */
        public QueuedTask build() {
            return new QueuedTask(id, type, version, queue, priority, payload, due, expires, retry, softLimit,
                    hardLimit, atMostOnce, unique, key, headers, resultTtl, replyTo, root == null ? id : root, part,
                    after, onDead);
        }
    }
}
