package dev.sennit.queue.redis.foreign;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ServerAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * The sentinels of Redis, which know where the master is: {@code ...+sentinel://HOST,HOST/DB?master=NAME}.
 *
 * <p>They are asked for each new connection, one after the other until one knows. The one that knew is asked first the
 * next time, unless the server that it named was no master: a sentinel that is cut off from the others names one that
 * has been replaced. So a client that connects again after each break comes to the master after a failover.
 */
public final class Sentinels {
    /** How the scheme of an address ends that names sentinels. */
    public static final String SCHEME = "+sentinel";
    /** What such an address has after {@code ?}, beside what it has for a server. */
    public static final Set<String> OPTIONS = Set.of("master", "sentinelUser", "sentinelPassword");

    private static final int PORT = 26379;
    /** How long a sentinel has for its answer, and it and the master for a connection: there are others. */
    private static final int MILLIS = 3_000;

    /** A server. */
    record Node(String host, int port) {
        @Override
        public String toString() {
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /** A sentinel, and how to get in. */
    private record Sentinel(Node node, @Nullable String user, @Nullable String password, boolean isTls,
            @Nullable String rootCertificates) implements Endpoint {
        @Override
        public String host() {
            return node.host;
        }

        @Override
        public int port() {
            return node.port;
        }

        @Override
        public int database() {
            return 0;
        }

        /** Shows no password. */
        @Override
        public String toString() {
            return node.toString();
        }
    }

    private final ServerAddress address;
    private final List<Sentinel> sentinels = new ArrayList<>();
    private final String master;
    /** The one that is asked first. */
    private volatile int first;

    /**
     * Reads the sentinels of an address.
     *
     * @param uri the address
     * @param store the name of the store, for messages
     * @param syntax the form of such an address, for messages
     * @param isTls whether sentinels speak TLS
     * @param rootCertificates as {@link Endpoint#rootCertificates}
     * @throws IllegalArgumentException if it names no sentinel or no master
     */
    public Sentinels(BrokerUri uri, String store, String syntax, boolean isTls, @Nullable String rootCertificates) {
        String rest = uri.rest();
        int from = Math.max(rest.lastIndexOf('@') + 1, rest.startsWith("//") ? 2 : 0);
        int to = rest.indexOf('/', from) < 0 ? rest.length() : rest.indexOf('/', from);
        String user = uri.options().get("sentinelUser");
        String password = uri.options().get("sentinelPassword");
        ServerAddress last = null;
        for (String host : rest.substring(from, to).split(",", -1)) {
            BrokerUri one =
                    BrokerUri.parse(uri.scheme() + ":" + rest.substring(0, from) + host + rest.substring(to));
            last = ServerAddress.of(one, store, PORT, syntax);
            sentinels.add(new Sentinel(new Node(last.host(), last.port()), user, password, isTls, rootCertificates));
        }
        if (last == null) { // a split has one part at least
            throw new AssertionError(uri);
        }
        address = last;
        if (user != null && password == null) {
            throw address.wrong("has sentinelPassword beside sentinelUser");
        }
        master = uri.options().getOrDefault("master", "");
        if (master.isEmpty()) {
            throw address.wrong("has ?master=NAME, by which the sentinels know the server");
        }
    }

    /** Returns the address with one of its sentinels: the user, the path and how to read numbers. */
    public ServerAddress address() {
        return address;
    }

    /**
     * Asks where the master is.
     *
     * @throws SentinelException if none knows
     */
    Node master() {
        int start = first;
        List<String> silent = new ArrayList<>();
        String refusal = null;
        boolean isUnknown = false;
        for (int i = 0; i < sentinels.size(); i++) {
            int at = (start + i) % sentinels.size();
            Sentinel sentinel = sentinels.get(at);
            try {
                Node known = ask(sentinel);
                if (known != null) {
                    first = at;
                    return known;
                }
                isUnknown = true;
            } catch (JedisDataException e) {
                refusal = refusal(sentinel, String.valueOf(e.getMessage()));
            } catch (JedisException | IllegalStateException e) {
                silent.add(sentinel + " (" + why(e) + ")");
            }
        }
        if (refusal != null) {
            throw new SentinelException(true, refusal);
        }
        if (isUnknown) {
            throw new SentinelException(true, "has sentinels that know no master " + master + ": correct ?master=");
        }
        throw new SentinelException(false, "has no sentinel that answers: " + String.join(", ", silent)
                + "; see whether they run, and try again");
    }

    private @Nullable Node ask(Sentinel sentinel) {
        try (var connection = new Connection(new Sockets(sentinel, MILLIS), DefaultJedisClientConfig.builder()
                .socketTimeoutMillis(MILLIS).user(sentinel.user).password(sentinel.password)
                .protocol(RedisProtocol.RESP2).clientName("sennit").build())) {
            connection.sendCommand(Protocol.Command.SENTINEL, "GET-MASTER-ADDR-BY-NAME", master);
            return connection.getOne() instanceof List<?> parts && parts.size() == 2
                    ? new Node(text(parts.get(0)), Integer.parseInt(text(parts.get(1))))
                    : null;
        }
    }

    private static String refusal(Sentinel sentinel, String text) {
        String upper = text.toUpperCase(Locale.ROOT);
        if (upper.startsWith("NOAUTH") || upper.startsWith("WRONGPASS") || upper.startsWith("ERR AUTH")
                || upper.startsWith("NOPERM")) {
            return "has the sentinel " + sentinel + ", which refuses this user or password: correct"
                    + " &sentinelUser= and &sentinelPassword=";
        }
        return "names " + sentinel + ", which is no sentinel: name the host and the port of one, by default " + PORT;
    }

    private static String text(Object part) {
        return part instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : "";
    }

    static String why(Throwable error) {
        Throwable cause = Sockets.causeOf(error);
        if (cause instanceof UnknownHostException) {
            return "unknown host";
        }
        String text = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return text.replaceAll("\\s+", " ").strip();
    }

    static int connectMillis() {
        return MILLIS;
    }

    /** The master that was named cannot be reached. */
    SentinelException unreachable(Node node, JedisConnectionException error) {
        doubt();
        return new SentinelException(false, "has the master " + node + ", which cannot be reached (" + why(error)
                + "): a failover may be under way, try again");
    }

    /** Another sentinel is asked first the next time. */
    private void doubt() {
        first = (first + 1) % sentinels.size();
    }

    /**
     * Checks that a new connection leads to a master, and closes it if it does not. A connection to a server that was
     * named, and by no sentinel, is what it is.
     *
     * @param endpoint where it was to lead
     * @param connection the connection
     * @return the same
     * @throws JedisException if it leads to none
     */
    public static <C extends Connection> C ensureMaster(Endpoint endpoint, C connection) {
        Sentinels sentinels = endpoint.sentinels();
        if (sentinels == null) {
            return connection;
        }
        boolean isMaster = false;
        try {
            connection.sendCommand(Protocol.Command.ROLE);
            isMaster = connection.getOne() instanceof List<?> role && !role.isEmpty()
                    && text(role.getFirst()).equals("master");
        } finally {
            if (!isMaster) {
                sentinels.doubt();
                connection.close();
            }
        }
        if (!isMaster) {
            throw new SentinelException(false,
                    "has sentinels that name a replica: a failover is under way, try again");
        }
        return connection;
    }

    /** Whether an answer says that the server is a replica, so that nothing was changed. */
    public static boolean isDemoted(JedisDataException error) {
        String text = String.valueOf(error.getMessage());
        return text.startsWith("READONLY") || text.startsWith("MASTERDOWN") || text.startsWith("UNBLOCKED");
    }

    /** Returns the sentinels and the name of the master. */
    @Override
    public String toString() {
        return master + " of " + sentinels;
    }
}
