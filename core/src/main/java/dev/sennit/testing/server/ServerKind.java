package dev.sennit.testing.server;

import dev.sennit.internal.Nearest;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A kind of server that {@link TestServer} can start. */
public enum ServerKind {
    /** PostgreSQL. */
    POSTGRESQL("postgresql", "PostgreSQL"),
    /** Redis, or Valkey where only that is installed. */
    REDIS("redis", "Redis"),
    /** RabbitMQ. */
    RABBITMQ("rabbitmq", "RabbitMQ");

    private final String text;
    private final String title;

    ServerKind(String text, String title) {
        this.text = text;
        this.title = title;
    }

    /**
     * The kind with a name.
     *
     * @param name such as {@code redis}
     * @return the kind
     * @throws IllegalArgumentException naming the kinds there are
     */
    public static ServerKind ofName(String name) {
        List<String> names = Arrays.stream(values()).map(ServerKind::toString).toList();
        return Arrays.stream(values())
                .filter(kind -> kind.text.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("unknown server \"" + name + "\": expected one of "
                        + String.join(", ", names) + Nearest.hint(name, names)));
    }

    /**
     * Whether this machine can start such a server now.
     *
     * @return false if {@link #obstacle} tells why not
     */
    public boolean isInstalled() {
        return obstacle().isEmpty();
    }

    /**
     * The obstacle to starting such a server on this machine, with its remedy, in one line.
     *
     * @return such as {@code redis-server is not installed: apt-get install redis-server}; empty if there is nothing
     */
    public Optional<String> obstacle() {
        try {
            ServerProgram.ensureInstalled(this);
            return Optional.empty();
        } catch (ServerNotInstalledException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /** As its makers write it, for messages. */
    String title() {
        return title;
    }

    /** Returns the name, as {@link #ofName} reads it. */
    @Override
    public String toString() {
        return text;
    }
}
