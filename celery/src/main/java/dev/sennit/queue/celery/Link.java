package dev.sennit.queue.celery;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ChannelContinuationTimeoutException;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerException.Kind;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.Socket;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The connection to RabbitMQ. If it breaks there is another one soon, and whoever consumes is told to begin again. What
 * is published with confirms is confirmed by the server when the call returns, and a queue that is missing is declared
 * then.
 */
final class Link implements AutoCloseable {
    private static final Logger LOG = System.getLogger(CeleryBroker.class.getName());
    private static final int CONNECT_MILLIS = 5_000;
    private static final int ANSWER_MILLIS = 15_000;
    private static final int HEARTBEAT_SECONDS = 20;
    private static final int MOST_IDLE = 8;
    /** How long a message waits for a server that takes none. */
    private static final long BLOCKED_MILLIS = 5_000;
    private static final long LOOK_MILLIS = 100;
    /** What a server takes at most. The client ends the connection, with all that runs, when a larger message comes. */
    private static final int MOST_BYTES = 512 << 20;

    /** Something to do with a channel. */
    interface Action<T> {
        T with(Channel channel) throws IOException;
    }

    /** A channel with confirms, which one thread has at a time. */
    private final class Sender {
        final Channel channel;
        /** What has found no queue: touched by the connection's thread, and by the sender's after its confirms. */
        final Set<String> returned = new HashSet<>();

        Sender(Channel channel) throws IOException {
            this.channel = channel;
            channel.confirmSelect();
            channel.addReturnListener((_, _, _, key, properties, _) -> {
                synchronized (returned) {
                    returned.add(key + "\n" + properties.getCorrelationId());
                }
            });
        }

        List<Post> send(List<Post> posts) throws IOException, InterruptedException, TimeoutException {
            Thread watch = watch(socket);
            try {
                for (Post post : posts) {
                    channel.basicPublish(post.exchange(), post.key(), post.queue() != null, post.properties(),
                            post.body());
                }
            } finally {
                watch.interrupt();
            }
            if (!isConfirmed()) {
                throw new IOException("the server has not taken a message");
            }
            synchronized (returned) {
                List<Post> again = posts.stream().filter(post -> post.queue() != null
                        && returned.contains(post.key() + "\n" + post.properties().getCorrelationId())).toList();
                returned.clear();
                return again;
            }
        }

        /** Waits for the confirms, for less long while the server takes no messages. */
        private boolean isConfirmed() throws InterruptedException, TimeoutException {
            long start = System.nanoTime();
            while (true) {
                try {
                    return channel.waitForConfirms(LOOK_MILLIS);
                } catch (TimeoutException e) {
                    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
                    if (millis > (blocked == null ? ANSWER_MILLIS : BLOCKED_MILLIS)) {
                        throw e;
                    }
                }
            }
        }
    }

    private final AmqpAddress address;
    private final String name;
    private final String secret;
    private final ConnectionFactory factory;
    private final ExecutorService executor = Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("sennit-celery-", 0).factory()); // as many as there are channels
    private final Runnable onRestored;
    /** Arguments of queues that are not those of tasks. */
    private final Map<String, Map<String, Object>> others = new ConcurrentHashMap<>();
    private final Object lock = new Object();
    /** Guarded by lock. */
    private @Nullable Connection connection;
    /** Guarded by lock. What this connection has declared. */
    private final Set<String> declared = new HashSet<>();
    /** Guarded by lock. */
    private final Deque<Sender> idle = new ArrayDeque<>();
    /** Guarded by lock. The channel for what is not confirmed. */
    private @Nullable Channel plain;

    /** The socket of the connection that was opened last. */
    private volatile @Nullable Socket socket;
    /** Why the server takes no messages, or null. */
    private volatile @Nullable String blocked;
    private volatile Runnable onNobody = () -> {};
    private volatile boolean isClosed;

    /**
     * Makes a link that is not connected yet.
     *
     * @param onRestored is called by a thread of its own when there is a connection again
     */
    Link(AmqpAddress address, Runnable onRestored) {
        this.address = address;
        this.onRestored = onRestored;
        name = address.toString();
        secret = address.password();
        factory = new ConnectionFactory();
        factory.setHost(address.host());
        factory.setPort(address.port());
        factory.setVirtualHost(address.virtualHost());
        factory.setUsername(address.user());
        factory.setPassword(secret);
        factory.setAutomaticRecoveryEnabled(false);
        factory.setTopologyRecoveryEnabled(false);
        factory.setConnectionTimeout(CONNECT_MILLIS);
        factory.setHandshakeTimeout(ANSWER_MILLIS);
        factory.setChannelRpcTimeout(ANSWER_MILLIS);
        factory.setRequestedHeartbeat(HEARTBEAT_SECONDS);
        factory.setMaxInboundMessageBodySize(MOST_BYTES);
        factory.setSocketConfigurator(factory.getSocketConfigurator().andThen(fresh -> socket = fresh));
        factory.setSharedExecutor(executor);
        factory.setShutdownExecutor(executor);
        factory.setThreadFactory(Thread.ofPlatform().daemon().name("sennit-celery-amqp-", 0).factory());
        if (address.isSecure()) {
            try {
                factory.useSslProtocol(SSLContext.getDefault());
                factory.enableHostnameVerification();
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("this JVM has no TLS", e);
            }
        }
    }

    // ---- the connection ----

    Connection connection() {
        ensureOpen();
        synchronized (lock) {
            ensureOpen(); // it may have been closed while this has waited
            Connection last = connection;
            if (last != null && last.isOpen()) {
                return last;
            }
            declared.clear();
            idle.clear();
            plain = null;
            try {
                Connection fresh = factory.newConnection("sennit");
                connection = fresh;
                blocked = null;
                fresh.addBlockedListener(reason -> blocked(fresh, reason), () -> blocked(fresh, null));
                fresh.addShutdownListener(_ -> lost(fresh));
                return fresh;
            } catch (IOException | TimeoutException | RuntimeException e) {
                throw failure(e, false);
            }
        }
    }

    private void blocked(Connection which, @Nullable String reason) {
        synchronized (lock) {
            if (connection == which) {
                blocked = reason;
            }
        }
    }

    private void lost(Connection which) {
        if (!isClosed) {
            LOG.log(Level.DEBUG, "the connection to " + name + " broke");
            Thread.ofVirtual().name("sennit-celery-restore").start(() -> restore(which));
        }
    }

    private void restore(Connection lost) {
        int failures = 0;
        while (!isClosed) {
            try {
                if (connection() != lost) {
                    onRestored.run();
                    return;
                }
            } catch (BrokerException e) {
                LOG.log(Level.DEBUG, name + " cannot be reached yet", e);
            } catch (IllegalStateException e) {
                return; // closed
            }
            try {
                Thread.sleep(Math.min(20L << Math.min(failures++, 6), 1000));
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Opens a channel that the caller closes. */
    Channel channel() {
        try {
            Channel channel = connection().createChannel();
            if (channel == null) {
                throw new BrokerException(Kind.UNAVAILABLE, false, name + " allows no more channels", null);
            }
            return channel;
        } catch (IOException | ShutdownSignalException e) {
            throw failure(e, false);
        }
    }

    /** Does something with a channel of its own. */
    <T> T ask(Action<T> action) {
        Channel channel = channel();
        try {
            return action.with(channel);
        } catch (IOException | ShutdownSignalException e) {
            throw failure(e, true);
        } finally {
            close(channel);
        }
    }

    /**
     * Leaves a channel that has not answered in time: its answer would be taken for that to the next request.
     *
     * @return the channel, which is not to be used any more; null if none was left
     */
    static @Nullable Channel leave(Exception error) {
        if (error instanceof ChannelContinuationTimeoutException late && late.getChannel() instanceof Channel silent) {
            Thread.ofVirtual().name("sennit-celery-leave").start(() -> close(silent)); // has to be answered, too
            return silent;
        }
        return null;
    }

    static void close(@Nullable Channel channel) {
        if (channel != null) {
            try {
                channel.abort();
            } catch (IOException | RuntimeException e) {
                LOG.log(Level.TRACE, "a channel was closed before", e);
            }
        }
    }

    // ---- queues and exchanges ----

    /** Declares a queue of tasks if this connection has not; one that is there with other arguments is used. */
    void declareTasks(String queue) {
        declare(queue, others.getOrDefault(queue, address.queueArguments()));
    }

    /** Has a queue declared with arguments of its own, also when it is found missing. */
    void declareOther(String queue, Map<String, Object> arguments) {
        others.put(queue, arguments);
        declare(queue, arguments);
    }

    private void declare(String queue, Map<String, Object> arguments) {
        once("queue " + queue, () -> {
            try {
                ask(channel -> channel.queueDeclare(queue, true, false, false, arguments));
            } catch (BrokerException e) {
                if (codeOf(e) != AMQP.PRECONDITION_FAILED) {
                    throw e;
                }
                ask(channel -> channel.queueDeclarePassive(queue));
            }
        });
    }

    void declareExchange(String exchange, String type, boolean isDurable) {
        once("exchange " + exchange, () -> {
            try {
                ask(channel -> channel.exchangeDeclare(exchange, type, isDurable));
            } catch (BrokerException e) {
                if (codeOf(e) != AMQP.PRECONDITION_FAILED) {
                    throw e;
                }
            }
        });
    }

    /** Does something once for each connection. */
    void once(String what, Runnable action) {
        connection();
        synchronized (lock) {
            if (declared.contains(what)) {
                return;
            }
        }
        action.run();
        synchronized (lock) {
            declared.add(what);
        }
    }

    void forgetDeclared(String queue) {
        synchronized (lock) {
            declared.remove("queue " + queue);
            declared.remove("native " + queue);
        }
    }

    /** Returns how many messages are ready in a queue, or -1 if there is no such queue. */
    long count(String queue) {
        try {
            return ask(channel -> channel.queueDeclarePassive(queue)).getMessageCount();
        } catch (BrokerException e) {
            if (codeOf(e) == AMQP.NOT_FOUND) {
                return -1;
            }
            throw e;
        }
    }

    private static int codeOf(BrokerException error) {
        for (Throwable each = error; each != null; each = each.getCause()) {
            if (each instanceof ShutdownSignalException signal) {
                Method reason = signal.getReason();
                return reason instanceof AMQP.Channel.Close close ? close.getReplyCode() : 0;
            }
        }
        return 0;
    }

    // ---- sending ----

    /**
     * Publishes, and waits until the server has all of it.
     *
     * @throws BrokerException in doubt, if it is not known whether the server has it
     */
    void publish(List<Post> posts) {
        List<Post> left = posts;
        for (int i = 0; !left.isEmpty(); i++) {
            if (i > 2) {
                throw new BrokerException(Kind.UNAVAILABLE, true, name + " has no queue " + left.getFirst().queue()
                        + ": somebody deletes it", null);
            }
            for (Post post : left) {
                if (post.queue() != null && i > 0) {
                    forgetDeclared(post.queue());
                }
            }
            try {
                for (Post post : left) {
                    if (post.queue() != null && post.exchange().isEmpty() && post.key().equals(post.queue())) {
                        declareTasks(post.queue());
                    }
                }
                left = send(left);
            } catch (BrokerException e) {
                throw i == 0 // else the server has the others
                        ? e
                        : new BrokerException(e.kind(), true, String.valueOf(e.getMessage()), e.getCause());
            }
        }
    }

    private List<Post> send(List<Post> posts) {
        awaitUnblocked(connection());
        Sender sender = sender();
        boolean isWhole = false;
        try {
            List<Post> again = sender.send(posts);
            isWhole = true;
            return again;
        } catch (IOException | TimeoutException | ShutdownSignalException e) {
            String reason = blocked;
            throw reason == null ? failure(e, true) : blocked(reason, true);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BrokerException(Kind.UNAVAILABLE, true, name + " has not confirmed a message: the thread was"
                    + " interrupted", e);
        } finally {
            if (isWhole) {
                give(sender);
            } else if (blocked == null) {
                close(sender.channel);
            } else { // which waits for the server
                Thread.ofVirtual().name("sennit-celery-leave").start(() -> close(sender.channel));
            }
        }
    }

    /** Ends a connection on which a write hangs, as the server reads nothing. */
    private static Thread watch(@Nullable Socket which) {
        return Thread.ofVirtual().name("sennit-celery-watch").start(() -> {
            try {
                Thread.sleep(2 * BLOCKED_MILLIS);
                if (which != null) {
                    which.close(); // the connection would write that it ends, and hang, too
                }
            } catch (InterruptedException e) {
                // it is written
            } catch (IOException e) {
                LOG.log(Level.DEBUG, "a socket was closed before", e);
            }
        });
    }

    /** A server that is short of memory or disk reads nothing of a connection that publishes. */
    private void awaitUnblocked(Connection which) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(BLOCKED_MILLIS);
        for (String reason = blocked; reason != null && which.isOpen(); reason = blocked) {
            if (System.nanoTime() - end > 0 || Thread.currentThread().isInterrupted()) {
                throw blocked(reason, false);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS));
        }
    }

    private BrokerException blocked(String reason, boolean isDoubtful) {
        return new BrokerException(Kind.UNAVAILABLE, isDoubtful, name + " takes no messages (" + reason
                + "): give the server more memory or disk, and try again", null);
    }

    private Sender sender() {
        connection();
        synchronized (lock) {
            for (Sender last = idle.poll(); last != null; last = idle.poll()) {
                if (last.channel.isOpen()) {
                    return last;
                }
            }
        }
        try {
            return new Sender(channel());
        } catch (IOException | ShutdownSignalException e) {
            throw failure(e, false);
        }
    }

    private void give(Sender sender) {
        synchronized (lock) {
            if (idle.size() < MOST_IDLE && sender.channel.isOpen()) {
                idle.push(sender);
                return;
            }
        }
        close(sender.channel);
    }

    /** Publishes without waiting; if nobody gets what is for somebody, that is told. */
    void tell(Post post, boolean isForSomebody) {
        if (blocked != null) {
            return; // it may be lost
        }
        try {
            plain().basicPublish(post.exchange(), post.key(), isForSomebody, post.properties(), post.body());
        } catch (IOException | ShutdownSignalException e) {
            throw failure(e, true);
        }
    }

    /** Sets what is called when nobody has got a message; before the first one is sent. */
    void onNobody(Runnable action) {
        onNobody = action;
    }

    private Channel plain() {
        connection();
        synchronized (lock) {
            Channel last = plain;
            if (last != null && last.isOpen()) {
                return last;
            }
        }
        Channel fresh = channel();
        fresh.addReturnListener((_, _, _, _, _, _) -> onNobody.run());
        Channel other;
        synchronized (lock) {
            other = plain;
            if (other == null || !other.isOpen()) {
                plain = fresh;
                return fresh;
            }
        }
        close(fresh); // another thread was quicker
        return other;
    }

    // ---- errors ----

    /** Words a failure in one line, without the password. */
    BrokerException failure(Exception error, boolean isDoubtful) {
        if (error instanceof BrokerException known) {
            return known;
        }
        Throwable cause = error instanceof IOException && error.getCause() instanceof ShutdownSignalException signal
                ? signal
                : error;
        String line = line(cause);
        String lower = line.toLowerCase(Locale.ROOT);
        // PossibleAuthenticationFailureException is a connection that broke at the login: a refusal is told as one
        if (error instanceof AuthenticationFailureException || lower.contains("access_refused")
                || lower.contains("not_allowed")) {
            return new BrokerException(Kind.REFUSED, false,
                    name + " refuses this user (" + line + "): correct the password, the virtual host or the rights",
                    kept(error));
        }
        return new BrokerException(Kind.UNAVAILABLE, isDoubtful,
                name + " cannot do it now (" + line + "): see whether the server runs, and try again", kept(error));
    }

    private @Nullable Throwable kept(Throwable error) {
        int depth = 0;
        for (Throwable each = error; each != null && depth < 20; each = each.getCause(), depth++) {
            if (!secret.equals("guest") && String.valueOf(each).contains(secret)) {
                return null;
            }
        }
        return error;
    }

    private String line(Throwable error) {
        String text = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        String line = text.replaceAll("\\s+", " ").strip();
        return secret.isEmpty() || secret.equals("guest") ? line : line.replace(secret, "***");
    }

    void ensureOpen() {
        if (isClosed) {
            throw new IllegalStateException("broker " + name + " is closed");
        }
    }

    boolean isClosed() {
        return isClosed;
    }

    /** Whether the server says that it has this version or a later one. */
    boolean isAtLeast(int major, int minor) {
        String[] parts = String.valueOf(connection().getServerProperties().get("version")).split("\\.");
        try {
            int itsMajor = Integer.parseInt(parts[0]);
            return itsMajor > major || itsMajor == major && parts.length > 1 && Integer.parseInt(parts[1]) >= minor;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /** Returns arguments of a queue. */
    static Map<String, Object> arguments(Object... namesAndValues) {
        Map<String, Object> arguments = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            arguments.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return arguments;
    }

    @Override
    public void close() {
        isClosed = true;
        Connection last;
        synchronized (lock) {
            last = connection;
            connection = null;
        }
        if (last != null) {
            last.abort(ANSWER_MILLIS);
        }
        executor.shutdown();
    }
}
