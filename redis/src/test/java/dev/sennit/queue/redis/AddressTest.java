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

    @Test
    void readsSentinels() {
        Address address = address("redis+sentinel://me:s%3Acret@one.example,[::1]:7000,two:26380/7?master=shop%20x"
                + "&sentinelUser=you&sentinelPassword=cret2&prefix=p&replicas=2");
        assertThat(address.sentinels()).hasToString("shop x of [one.example:26379, [::1]:7000, two:26380]");
        assertThat(address.user()).isEqualTo("me");
        assertThat(address.password()).isEqualTo("s:cret");
        assertThat(address.database()).isEqualTo(7);
        assertThat(address.keys()).isEqualTo("{p}:");
        assertThat(address.replicas()).isEqualTo(2);
        assertThat(address.isTls()).isFalse();
        assertThat(address.toString()).contains("me:***@one.example,[::1]:7000").doesNotContain("cret");
        assertThat(address("rediss+sentinel://host?master=m").isTls()).isTrue();
        assertThat(address("redis://host").sentinels()).isNull();
        assertThat(address("redis://host").replicas()).isZero();
    }

    @Test
    void refusesWhatNamesNoSentinels() {
        assertThatThrownBy(() -> address("redis+sentinel://host/0")).hasMessageContaining("?master=NAME");
        assertThatThrownBy(() -> address("redis+sentinel://one,/0?master=m")).hasMessageContaining("name of a host");
        assertThatThrownBy(() -> address("redis+sentinel:/0?master=m")).hasMessageContaining("redis+sentinel://");
        assertThatThrownBy(() -> address("redis+sentinel://one,two:x/0?master=m"))
                .hasMessageContaining("a port from 1 to 65535");
        assertThatThrownBy(() -> address("redis+sentinel://one/0?master=m&sentinelUser=x"))
                .hasMessageContaining("sentinelPassword");
        assertThatThrownBy(() -> address("redis://host?master=m")).hasMessageContaining("no option master");
    }
}
