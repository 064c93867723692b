package dev.sennit.queue.rabbitmq;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.ServerAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The parts of {@code rabbitmq://USER:PASSWORD@HOST:PORT/VHOST?OPTIONS}. Its text shows no password. */
final class Address {
    static final String SYNTAX =
            "rabbitmq://[USER:PASSWORD@]HOST[:PORT]/[VHOST][?prefix=NAME&consumerTimeout=PT30M&store=URI]";
    static final String TLS_SYNTAX = SYNTAX.replace("rabbitmq:", "rabbitmqs:");
    static final String TLS = "rabbitmqs";

    private static final int PORT = 5672;
    private static final int TLS_PORT = 5671;
    private static final Set<String> OPTIONS = Set.of("prefix", "consumerTimeout", "store", "sslrootcert");
    /** RabbitMQ takes 255 bytes for the name of a queue. */
    private static final int LONGEST_NAME = 200;
    private static final Duration CONSUMER_TIMEOUT = Duration.ofMinutes(30);

    private final BrokerUri uri;
    private final ServerAddress server;
    private final String prefix;
    private final Duration consumerTimeout;
    private final @Nullable String store;
    private final @Nullable String rootCertificates;

    Address(BrokerUri uri) {
        this.uri = uri;
        uri.ensureOnly(OPTIONS);
        server = ServerAddress.of(uri, "RabbitMQ", isTls() ? TLS_PORT : PORT, isTls() ? TLS_SYNTAX : SYNTAX);
        if (server.user() != null && uri.password() == null) {
            throw server.wrong("has a colon and the password behind the user");
        }
        Map<String, String> options = uri.options();
        prefix = options.getOrDefault("prefix", "sennit");
        if (!prefix.matches("[\\w.:-]{1,50}")) {
            throw new IllegalArgumentException("prefix must be 1 to 50 letters, digits and _ . : -, was " + prefix);
        }
        consumerTimeout = timeout(options.get("consumerTimeout"));
        rootCertificates = options.get("sslrootcert");
        if (rootCertificates != null && !isTls()) {
            throw new IllegalArgumentException("sslrootcert is an option of rabbitmqs://, which speaks TLS");
        }
        store = options.get("store");
        String scheme = store == null ? "" : BrokerUri.parse(store).scheme();
        if (scheme.startsWith("rabbitmq") || scheme.equals("memory")) {
            throw new IllegalArgumentException("store must be the address of another broker that keeps tasks, such as"
                    + " store=redis://HOST, was one of " + scheme);
        }
    }

    private static Duration timeout(@Nullable String text) {
        if (text == null) {
            return CONSUMER_TIMEOUT;
        }
        try {
            Duration timeout = Duration.parse(text);
            if (timeout.toSeconds() >= 1) {
                return timeout;
            }
        } catch (DateTimeParseException e) {
            // told below
        }
        throw new IllegalArgumentException(
                "consumerTimeout must be a duration of PT1S or more, such as PT30M, was " + text);
    }

    String host() {
        return server.host();
    }

    int port() {
        return server.port();
    }

    String user() {
        return server.user() == null ? "guest" : server.user();
    }

    String password() {
        String password = uri.password();
        return server.user() == null || password == null ? "guest" : password;
    }

    String vhost() {
        return server.path().isEmpty() ? "/" : server.path();
    }

    boolean isTls() {
        return uri.scheme().equals(TLS);
    }

    /** A file with the certificates of those who may have signed that of the server, instead of those of Java. */
    @Nullable String rootCertificates() {
        return rootCertificates;
    }

    /** After which time the server takes away what was not acknowledged. */
    Duration consumerTimeout() {
        return consumerTimeout;
    }

    /** The address of the broker that does what RabbitMQ cannot, with its password; null if there is none. */
    @Nullable String store() {
        return store;
    }

    // ---- names ----

    /** The queue in which tasks of a type wait. */
    String source(String queue, String type) {
        return name("q", queue, type);
    }

    /** The queue of the dead letters of a queue. */
    String dead(String queue) {
        return name("dead", queue);
    }

    /** The queue of ends for a submitter. */
    String ends(String replyTo) {
        return name("ends", replyTo);
    }

    /** The stream of the names of queues and types. */
    String directory() {
        return prefix + "/directory";
    }

    /** The exchange of news. */
    String news() {
        return prefix + "/news";
    }

    /** The key of the news that there is work in a queue. */
    static String workKey(String queue) {
        return shortened("work/" + encoded(queue), "work/");
    }

    /** The key of the requests to a worker. */
    static String workerKey(String worker) {
        return shortened("worker/" + encoded(worker), "worker/");
    }

    private String name(String kind, String... parts) {
        var name = new StringBuilder(prefix).append('/').append(kind);
        for (String part : parts) {
            name.append('/').append(encoded(part));
        }
        return shortened(name.toString(), prefix + "/" + kind + "/");
    }

    private static String shortened(String name, String beginning) {
        return name.length() <= LONGEST_NAME ? name : beginning + "#" + hash(name);
    }

    /** As in an address, so that it shows in the tools of RabbitMQ, and a slash is one between parts. */
    private static String encoded(String part) {
        var text = new StringBuilder();
        for (byte each : part.getBytes(StandardCharsets.UTF_8)) {
            char sign = (char) (each & 0xFF);
            if (sign < 0x80 && (Character.isLetterOrDigit(sign) || "._-:".indexOf(sign) >= 0)) {
                text.append(sign);
            } else {
                text.append('%').append(HexFormat.of().withUpperCase().toHexDigits(each));
            }
        }
        return text.toString();
    }

    private static String hash(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("each Java has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
