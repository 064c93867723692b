package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerUri;
import org.junit.jupiter.api.Test;

class AddressTest {
    private static Address address(String uri) {
        return new Address(BrokerUri.parse(uri));
    }

    @Test
    void readsAllParts() {
        Address address = address("redis://me%40home:s%3Acret%2F@db.example:6380/7?prefix=shop-1&connections=9");
        assertThat(address.user()).isEqualTo("me@home");
        assertThat(address.password()).isEqualTo("s:cret/");
        assertThat(address.host()).isEqualTo("db.example");
        assertThat(address.port()).isEqualTo(6380);
        assertThat(address.database()).isEqualTo(7);
        assertThat(address.keys()).isEqualTo("{shop-1}:");
        assertThat(address.channels()).isEqualTo("{shop-1}:channel:7:");
        assertThat(address.connections()).isEqualTo(9);
        assertThat(address.toString()).contains(":***@").doesNotContain("cret");
    }

    @Test
    void hasDefaults() {
        Address address = address("redis://[::1]");
        assertThat(address.host()).isEqualTo("::1");
        assertThat(address.port()).isEqualTo(6379);
        assertThat(address.user()).isNull();
        assertThat(address.password()).isNull();
        assertThat(address.database()).isZero();
        assertThat(address.keys()).isEqualTo("{sennit}:");
        assertThat(address.connections()).isEqualTo(3);
        assertThat(address("redis://[::1]:99/").port()).isEqualTo(99);
        assertThat(address("redis://:secret@host").password()).isEqualTo("secret");
        assertThat(address("redis://:secret@host").user()).isNull();
    }

    @Test
    void keepsAHashTagOfItsOwn() {
        Address address = address("redis://host/?prefix=shop{7}");
        assertThat(address.hasHashTag()).isTrue();
        assertThat(address.keys()).isEqualTo("shop{7}:");
        assertThat(address("redis://host").hasHashTag()).isFalse();
    }

    @Test
    void speaksTlsIfItSaysSo() {
        assertThat(address("redis://host").isTls()).isFalse();
        assertThat(address("rediss://host/0?sslrootcert=/etc/ca.pem").isTls()).isTrue();
        assertThat(address("rediss://host/0?sslrootcert=/etc/ca.pem").rootCertificates()).isEqualTo("/etc/ca.pem");
        assertThatThrownBy(() -> address("redis://host/0?sslrootcert=x")).hasMessageContaining("rediss://");
    }

    @Test
    void refusesWhatIsNoAddress() {
        assertThatThrownBy(() -> address("redis:host")).hasMessageContaining("begins with redis://");
        assertThatThrownBy(() -> address("redis:///0")).hasMessageContaining("the name of a host");
        assertThatThrownBy(() -> address("redis://host/jobs")).hasMessageContaining("a database from 0");
        assertThatThrownBy(() -> address("redis://secret@host")).hasMessageContaining("a colon before the password")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> address("redis://host/?prefix=a b")).hasMessageContaining("letters, digits");
        assertThatThrownBy(() -> address("redis://host/?prefix={a")).hasMessageContaining("letters, digits");
        assertThatThrownBy(() -> address("redis://host/?connections=1")).hasMessageContaining("2 to 100");
        assertThatThrownBy(() -> address("redis://host:66666")).hasMessageContaining("a port from 1 to 65535");
        assertThatThrownBy(() -> address("redis://host/?name=x")).hasMessageContaining("no option name");
    }
}
