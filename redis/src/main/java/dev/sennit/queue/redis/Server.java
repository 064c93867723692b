package dev.sennit.queue.redis;

import dev.sennit.queue.broker.BrokerException;
import java.util.HashMap;
import java.util.Map;

/** The account of a server of itself, and whether tasks may be kept there. */
final class Server {
    private static final System.Logger LOG = System.getLogger("dev.sennit");
    /** Scripts may read the clock and then write since 7.0, and can be told errors apart. */
    private static final int LEAST_VERSION = 7;

    private final Map<String, String> facts = new HashMap<>();

    Server(String info) {
        info.lines().filter(line -> line.indexOf(':') > 0).forEach(
                line -> facts.put(line.substring(0, line.indexOf(':')), line.substring(line.indexOf(':') + 1).strip()));
    }

    private String fact(String name) {
        return facts.getOrDefault(name, "");
    }

    /** Refuses what would lose tasks, or would not work. */
    void ensureUsable(Address address, RedisErrors errors) {
        String mode = facts.getOrDefault("redis_mode", fact("server_mode")); // Valkey has the second name
        if (mode.equals("sentinel")) {
            throw errors.of(BrokerException.Kind.REFUSED, false, " is a sentinel, and keeps no tasks: write"
                    + " redis+sentinel://HOST/DB?master=NAME", null);
        }
        String version = fact("redis_version");
        int dot = version.indexOf('.');
        if (!version.matches("\\d{1,6}\\..*")) {
            throw errors.of(BrokerException.Kind.REFUSED, false,
                    " is no Redis server (it tells no version): name the host and the port of one", null);
        }
        if (Integer.parseInt(version.substring(0, dot)) < LEAST_VERSION) {
            throw errors.of(BrokerException.Kind.REFUSED, false, " is Redis " + version
                    + ", too old: use Redis 7 or later, or Valkey", null);
        }
        if (fact("role").equals("slave")) {
            throw errors.of(BrokerException.Kind.REFUSED, false, " can be read only: name the primary server", null);
        }
        if (fact("cluster_enabled").equals("1") && !address.hasHashTag()) {
            throw errors.of(BrokerException.Kind.REFUSED, false,
                    " is a node of a cluster: use a single server, or write"
                            + " ?prefix={NAME} and name the node that has the slot of {NAME}",
                    null);
        }
        String policy = fact("maxmemory_policy");
        if (!fact("maxmemory").matches("0?") && !policy.equals("noeviction")) {
            throw errors.of(BrokerException.Kind.REFUSED, false, " throws tasks away when its memory is full"
                    + " (maxmemory-policy " + policy + "): set maxmemory-policy noeviction", null);
        }
        if (fact("aof_enabled").equals("0")) {
            LOG.log(System.Logger.Level.WARNING, address + " - keeps no append-only file: if the server is killed, the"
                    + " last tasks are lost; set appendonly yes");
        }
    }

    @Override
    public String toString() {
        return "Redis " + fact("redis_version");
    }
}
