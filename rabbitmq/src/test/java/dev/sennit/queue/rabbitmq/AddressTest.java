package dev.sennit.queue.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerUri;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class AddressTest {
    private static Address address(String uri) {
        return new Address(BrokerUri.parse(uri));
    }

    @Test
    void readsAllParts() {
        Address address = address("rabbitmq://me%40home:s%3Acret%2F@mq.example:5673/my%2Fjobs?prefix=shop"
                + "&consumerTimeout=PT2H&store=redis://:hunter2%2540x%40db/3%3Fprefix=a%26connections=4");
        assertThat(address.user()).isEqualTo("me@home");
        assertThat(address.password()).isEqualTo("s:cret/");
        assertThat(address.host()).isEqualTo("mq.example");
        assertThat(address.port()).isEqualTo(5673);
        assertThat(address.vhost()).isEqualTo("my/jobs");
        assertThat(address.consumerTimeout()).isEqualTo(Duration.ofHours(2));
        assertThat(address.store()).isEqualTo("redis://:hunter2%40x@db/3?prefix=a&connections=4");
        assertThat(address.news()).isEqualTo("shop/news");
        assertThat(address.toString()).contains("me%40home:***@", "store=redis://:***@db/3")
                .doesNotContain("cret", "hunter2");
    }

    @Test
    void hasDefaults() {
        Address address = address("rabbitmq://[::1]");
        assertThat(address.host()).isEqualTo("::1");
        assertThat(address.port()).isEqualTo(5672);
        assertThat(address.user()).isEqualTo("guest");
        assertThat(address.password()).isEqualTo("guest");
        assertThat(address.vhost()).isEqualTo("/");
        assertThat(address.consumerTimeout()).isEqualTo(Duration.ofMinutes(30));
        assertThat(address.store()).isNull();
        assertThat(address.directory()).isEqualTo("sennit/directory");
        assertThat(address("rabbitmqs://host").port()).isEqualTo(5671);
        assertThat(address("rabbitmqs://host").isTls()).isTrue();
        assertThat(address("rabbitmq://host/%2F").vhost()).isEqualTo("/");
    }

    @Test
    void namesOfQueuesAreShortAndTellThemApart() {
        Address address = address("rabbitmq://host");
        assertThat(address.source("default", "thumbs.make")).isEqualTo("sennit/q/default/thumbs.make");
        assertThat(address.source("a/b", "c")).isEqualTo("sennit/q/a%2Fb/c").isNotEqualTo(address.source("a", "b/c"));
        assertThat(address.dead("\u00fc d")).isEqualTo("sennit/dead/%C3%BC%20d");
        String one = address.source("\u20ac".repeat(200), "t".repeat(200));
        String other = address.source("\u20ac".repeat(200), "t".repeat(199));
        assertThat(one).hasSizeLessThan(200).startsWith("sennit/q/#").isNotEqualTo(other);
        assertThat(Address.workKey("q".repeat(300))).hasSizeLessThan(200).startsWith("work/#");
    }

    @Test
    void refusesWhatIsNoAddress() {
        assertThatThrownBy(() -> address("rabbitmq:host")).hasMessageContaining("begins with rabbitmq://");
        assertThatThrownBy(() -> address("rabbitmq:///jobs")).hasMessageContaining("the name of a host");
        assertThatThrownBy(() -> address("rabbitmq://secret@host")).hasMessageContaining("a colon and the password")
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> address("rabbitmq://host/?prefix=a b")).hasMessageContaining("letters, digits");
        assertThatThrownBy(() -> address("rabbitmq://host/?consumerTimeout=30m")).hasMessageContaining("such as PT30M");
        assertThatThrownBy(() -> address("rabbitmq://host/?consumerTimeout=PT0S")).hasMessageContaining("PT1S or more");
        assertThatThrownBy(() -> address("rabbitmq://host:66666")).hasMessageContaining("a port from 1 to 65535");
        assertThatThrownBy(() -> address("rabbitmq://host/?name=x")).hasMessageContaining("no option name");
        assertThatThrownBy(() -> address("rabbitmq://host/?sslrootcert=x")).hasMessageContaining("rabbitmqs://");
        assertThatThrownBy(() -> address("rabbitmq://host/?store=memory:")).hasMessageContaining("another broker");
        assertThatThrownBy(() -> address("rabbitmq://host/?store=rabbitmq://other")).hasMessageContaining("was one of");
        assertThatThrownBy(() -> address("rabbitmq://host/?store=jobs.db"))
                .hasMessageContaining("begins with a scheme");
    }
}
