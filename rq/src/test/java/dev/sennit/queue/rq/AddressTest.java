package dev.sennit.queue.rq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerUri;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTest {
    private static Address address(String text) {
        return new Address(BrokerUri.parse(text));
    }

    @Test
    void allPartsAreRead() {
        Address address = address("rq+rediss://me:a%40b@redis.local:7000/3?sslrootcert=/etc/ca.pem");
        assertThat(address.host()).isEqualTo("redis.local");
        assertThat(address.port()).isEqualTo(7000);
        assertThat(address.database()).isEqualTo(3);
        assertThat(address.user()).isEqualTo("me");
        assertThat(address.password()).isEqualTo("a@b");
        assertThat(address.isTls()).isTrue();
        assertThat(address.rootCertificates()).isEqualTo("/etc/ca.pem");
        assertThat(address).hasToString("rq+rediss://me:***@redis.local:7000/3?sslrootcert=/etc/ca.pem");
    }

    @Test
    void mostPartsMayBeMissing() {
        Address address = address("rq+redis://localhost");
        assertThat(address.port()).isEqualTo(6379);
        assertThat(address.database()).isZero();
        assertThat(address.user()).isNull();
        assertThat(address.password()).isNull();
        assertThat(address.isTls()).isFalse();
        assertThat(address("rq+redis://:pw@[::1]:1/").host()).isEqualTo("::1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rq+redis:localhost", "rq+redis://", "rq+redis://host:0", "rq+redis://host/x",
        "rq+redis://host/-1", "rq+redis://host?prefix=a", "rq+redis://host?sslrootcert=/etc/ca.pem"})
    void othersAreRefusedWithoutTheirPassword(String text) {
        String secret = text.replace("://", "://:s3cret@");
        assertThatThrownBy(() -> address(secret)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContainingAny("s3cret", "\n");
    }

    @Test
    void anotherSchemeIsNone() {
        assertThatThrownBy(() -> RqBroker.open("redis://localhost/0")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("rq+redis://");
    }

    @Test
    void sentinelsAreRead() {
        Address address = address("rq+redis+sentinel://:a%40b@one,two:7000/3?master=shop&sentinelPassword=s3cret");
        assertThat(address.sentinels()).hasToString("shop of [one:26379, two:7000]");
        assertThat(address.database()).isEqualTo(3);
        assertThat(address.password()).isEqualTo("a@b");
        assertThat(address.toString()).doesNotContain("s3cret", "a@b", "a%40b");
        assertThat(address("rq+redis://localhost").sentinels()).isNull();
        assertThatThrownBy(() -> address("rq+redis+sentinel://one")).hasMessageContaining("?master=NAME");
    }
}
