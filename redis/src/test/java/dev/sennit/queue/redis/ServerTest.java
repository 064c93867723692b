package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerUri;
import org.junit.jupiter.api.Test;

/** Which servers are refused, by what they say of themselves. RedisOpenIT has real ones say it. */
class ServerTest {
    private static final String FINE = "# Server\r\nredis_version:7.0.15\r\nrole:master\r\nmaxmemory:0\r\n"
            + "maxmemory_policy:noeviction\r\naof_enabled:1\r\ncluster_enabled:0\r\n";

    private static void check(String info, String prefix) {
        var address = new Address(BrokerUri.parse("redis://:hunter2@host/0?prefix=" + prefix));
        new Server(info).ensureUsable(address, new RedisErrors(address.toString(), "hunter2"));
    }

    private static void refuses(String info, String... parts) {
        assertThatThrownBy(() -> check(info, "jobs")).isInstanceOf(BrokerException.class)
                .hasMessageContainingAll(parts).hasMessageNotContainingAny("hunter2", "\n");
    }

    @Test
    void takesRedisAndValkey() {
        assertThatCode(() -> check(FINE, "jobs")).doesNotThrowAnyException();
        assertThatCode(() -> check(FINE.replace("7.0.15", "8.2.0"), "jobs")).doesNotThrowAnyException();
        assertThatCode(() -> check(FINE.replace("7.0.15", "7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.0.1"),
                "jobs")).doesNotThrowAnyException();
        assertThatCode(() -> check(FINE.replace("maxmemory:0", "maxmemory:1000000"), "jobs"))
                .doesNotThrowAnyException();
        assertThatCode(() -> check(FINE.replace("noeviction", "allkeys-lru"), "jobs")).as("without a limit")
                .doesNotThrowAnyException();
        assertThatCode(() -> check(FINE.replace("cluster_enabled:0", "cluster_enabled:1"), "{jobs}"))
                .doesNotThrowAnyException();
    }

    @Test
    void refusesWhatWouldLoseTasksOrNotWork() {
        refuses(FINE.replace("7.0.15", "6.2.7"), "Redis 6.2.7, too old", "use Redis 7 or later, or Valkey");
        refuses("", "is no Redis server");
        refuses("redis_version:99999999999999999.1\r\n", "is no Redis server");
        refuses(FINE.replace("role:master", "role:slave"), "can be read only: name the primary server");
        refuses(FINE.replace("cluster_enabled:0", "cluster_enabled:1"), "is a node of a cluster", "?prefix={NAME}");
        refuses(FINE.replace("maxmemory:0", "maxmemory:9").replace("noeviction", "allkeys-lru"),
                "maxmemory-policy allkeys-lru", "set maxmemory-policy noeviction");
    }
}
