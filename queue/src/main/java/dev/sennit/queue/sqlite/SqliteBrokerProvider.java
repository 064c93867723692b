package dev.sennit.queue.sqlite;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerProvider;
import dev.sennit.queue.broker.BrokerUri;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** Opens {@code sqlite:FILE[?sync=normal|full][&network=allow]}. */
public final class SqliteBrokerProvider implements BrokerProvider {
    /** For the service loader. */
    public SqliteBrokerProvider() {}

    @Override
    public String scheme() {
        return "sqlite";
    }

    @Override
    public String syntax() {
        return "sqlite:FILE[?sync=normal|full]";
    }

    @Override
    public Broker open(BrokerUri uri) {
        uri.ensureOnly(Set.of("sync", "network"));
        String sync = one(uri.options(), "sync", "normal", Set.of("normal", "full"));
        String network = one(uri.options(), "network", "refuse", Set.of("refuse", "allow"));
        if (uri.rest().isBlank()) {
            throw new IllegalArgumentException("sqlite needs the name of a file, as in sqlite:jobs.db");
        }
        try {
            return SqliteBroker.open(Path.of(uri.rest()), uri.toString(), sync.equals("full"), network.equals("allow"));
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("sqlite needs the name of a file, was " + uri.rest(), e);
        }
    }

    private static String one(Map<String, String> options, String name, String usual, Set<String> values) {
        String value = options.getOrDefault(name, usual);
        if (!values.contains(value)) {
            throw new IllegalArgumentException("sqlite has " + name + "="
                    + String.join(" or ", values.stream().sorted().toList()) + ", was " + value);
        }
        return value;
    }
}
