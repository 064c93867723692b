package dev.sennit.queue.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.sql.Schema;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Addresses are read as they are written, and statements become those for many rows. */
class AddressTest {
    private static Address address(String uri) {
        return new Address(BrokerUri.parse(uri));
    }

    @Test
    void readsAllParts() {
        Address address = address("postgresql://me%40home:s%3Acret%2F@db.example:5433/jobs%20db"
                + "?schema=queue&notify=off&connections=9&synchronous=off&sslmode=verify-full");
        assertThat(address.user()).isEqualTo("me@home");
        assertThat(address.password()).isEqualTo("s:cret/");
        assertThat(address.host()).isEqualTo("db.example");
        assertThat(address.port()).isEqualTo(5433);
        assertThat(address.database()).isEqualTo("jobs db");
        assertThat(address.schema()).isEqualTo("queue");
        assertThat(address.notifies()).isFalse();
        assertThat(address.connections()).isEqualTo(9);
        assertThat(address.synchronous()).isEqualTo("off");
        assertThat(address.driverOptions()).isEqualTo(Map.of("sslmode", "verify-full"));
        assertThat(address.toString()).contains(":***@").doesNotContain("cret");
    }

    @Test
    void hasDefaults() {
        Address address = address("postgresql://[::1]/jobs");
        assertThat(address.host()).isEqualTo("::1");
        assertThat(address.port()).isEqualTo(5432);
        assertThat(address.user()).isNull();
        assertThat(address.password()).isNull();
        assertThat(address.schema()).isEqualTo("sennit");
        assertThat(address.notifies()).isTrue();
        assertThat(address.connections()).isEqualTo(4);
        assertThat(address.synchronous()).isNull();
        assertThat(address("postgresql://[::1]:99/jobs").port()).isEqualTo(99);
    }

    @Test
    void refusesWhatIsNoAddress() {
        assertThatThrownBy(() -> address("postgresql://host")).hasMessageContaining("the name of a database");
        assertThatThrownBy(() -> address("postgresql:///jobs")).hasMessageContaining("the name of a host");
        assertThatThrownBy(() -> address("postgresql://host/jobs?schema=My")).hasMessageContaining("small letters");
        assertThatThrownBy(() -> address("postgresql://host/jobs?connections=1")).hasMessageContaining("2 to 100");
        assertThatThrownBy(() -> address("postgresql://host/jobs?notify=no")).hasMessageContaining("on or off");
        assertThatThrownBy(() -> address("postgresql://host/jobs?name=x")).hasMessageContaining("no option name");
    }

    @Test
    void insertsManyRowsAtOnce() {
        PostgresqlDialect dialect = PostgresqlDialect.of("sennit", null, null, new Schema(), "test");
        assertThat(dialect.together("INSERT INTO {body} (id, message, payload) VALUES (?, ?, ?) ON CONFLICT (id)"
                + " DO NOTHING")).isEqualTo("INSERT INTO {body} (id, message, payload) SELECT * FROM unnest(?::text[],"
                        + " ?::bytea[], ?::bytea[]) ON CONFLICT (id) DO NOTHING");
        assertThat(dialect.together("INSERT INTO {ended} (id, state, ended) SELECT id, ?, ended FROM {task}"
                + " WHERE id = ?")).isEqualTo("INSERT INTO {ended} (id, state, ended) SELECT id, v.p1, ended FROM"
                        + " unnest(?::bigint[], ?::text[]) AS v(p1, of) CROSS JOIN LATERAL"
                        + " (SELECT * FROM {task} WHERE id = v.of OFFSET 0) t");
        assertThat(dialect.together("INSERT INTO {part} (chord, place, result) VALUES (?, ?, ?)"
                + " ON CONFLICT (chord, place) DO NOTHING")).isNull();
        assertThat(dialect.together("UPDATE {task} SET state = ? WHERE id = ?")).isNull();
    }
}
