package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerUri;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AmqpAddressTest {
    private static AmqpAddress address(String text) {
        return new AmqpAddress(BrokerUri.parse(text));
    }

    @Test
    void allPartsAreRead() {
        AmqpAddress address = address("celery+amqps://me:a%40b@rabbit.local:7000/jo%2Fbs?default_queue=jobs"
                + "&result=redis://:s3cret%40store.local:7001/3&result_expires=10&max_priority=10&consumer_timeout=60");
        assertThat(address.host()).isEqualTo("rabbit.local");
        assertThat(address.port()).isEqualTo(7000);
        assertThat(address.virtualHost()).isEqualTo("jo/bs");
        assertThat(address.user()).isEqualTo("me");
        assertThat(address.password()).isEqualTo("a@b");
        assertThat(address.isSecure()).isTrue();
        assertThat(address.resultExpires()).hasSeconds(10);
        assertThat(address.consumerTimeout()).isEqualTo(Duration.ofMinutes(1));
        assertThat(address.queue("default")).isEqualTo("jobs");
        assertThat(address.sennitQueue("jobs")).isEqualTo("default");
        assertThat(address.queueArguments()).isEqualTo(Map.of("x-max-priority", 10));
        RedisAddress results = address.results();
        assertThat(results).isNotNull();
        assertThat(results.host()).isEqualTo("store.local");
        assertThat(results.port()).isEqualTo(7001);
        assertThat(results.database()).isEqualTo(3);
        assertThat(results.password()).isEqualTo("s3cret");
        assertThat(results.resultExpires()).hasSeconds(10);
        assertThat(address.toString()).contains("celery+amqps://me:***@rabbit.local", "redis://:***@store.local")
                .doesNotContain("s3cret").doesNotContain("a@b").doesNotContain("a%40b");
    }

    @Test
    void mostPartsMayBeMissing() {
        AmqpAddress address = address("celery+amqp://localhost");
        assertThat(address.port()).isEqualTo(5672);
        assertThat(address.virtualHost()).isEqualTo("/");
        assertThat(address.user()).isEqualTo("guest");
        assertThat(address.password()).isEqualTo("guest");
        assertThat(address.results()).isNull();
        assertThat(address.isQuorum()).isFalse();
        assertThat(address.queueArguments()).isEmpty();
        assertThat(address("celery+amqps://localhost/").port()).isEqualTo(5671);
        assertThat(address("celery+amqp://localhost/?queue_type=quorum").queueArguments())
                .isEqualTo(Map.of("x-queue-type", "quorum"));
    }

    @Test
    void prioritiesAreThoseOfSennitOrNone() {
        AmqpAddress ten = address("celery+amqp://localhost?max_priority=10");
        for (int priority = 0; priority < 10; priority++) {
            assertThat(ten.priority(priority)).isEqualTo(priority);
            assertThat(ten.sennitPriority(priority)).isEqualTo(priority);
            assertThat(ten.obstacle(priority)).isNull();
        }
        AmqpAddress none = address("celery+amqp://localhost?max_priority=3");
        assertThat(none.priority(5)).isZero();
        assertThat(none.sennitPriority(3)).isEqualTo(5);
        assertThat(none.obstacle(5)).isNull();
        assertThat(none.obstacle(4)).contains("max_priority=10");
        assertThat(address("celery+amqp://localhost?queue_type=quorum").obstacle(9)).contains("quorum");
    }

    @ParameterizedTest
    @ValueSource(strings = {"celery+amqp:localhost", "celery+amqp://", "celery+amqp://me:s3cret@host:port/",
        "celery+amqp://me:s3cret@host?unknown=1", "celery+amqp://me:s3cret@host?queue_type=stream",
        "celery+amqp://me:s3cret@host?queue_type=quorum&max_priority=10",
        "celery+amqp://me:s3cret@host?result=file:s3cret", "celery+amqp://me:s3cret@host?result=redis://h?x=s3cret",
        "celery+amqp://me:s3cret@host?max_priority=256", "celery+amqp://me:s3cret@host?consumer_timeout=0"})
    void whatIsWrongIsRefusedWithoutThePassword(String text) {
        assertThatThrownBy(() -> address(text)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("s3cret").hasMessageNotContaining("\n");
    }

    @Test
    void delaysHaveARungAndBits() {
        assertThat(Delays.rung(1)).isEqualTo(10);
        assertThat(Delays.rung(999)).isEqualTo(500);
        assertThat(Delays.rung(3_600_000)).isEqualTo(1_800_000);
        assertThat(Delays.rung(Long.MAX_VALUE)).isEqualTo(86_400_000);
        assertThat(Delays.key(5, "q")).isEqualTo("0.".repeat(25) + "1.0.1.q");
        assertThat(Delays.key((1 << 28) - 1, "a.b")).isEqualTo("1.".repeat(28) + "a.b");
    }

    @Test
    void resultsMayBeBehindSentinels() {
        AmqpAddress address = new AmqpAddress(BrokerUri.parse("celery+amqp://me:pw@rabbit/?result="
                + "redis+sentinel://:s3cret@one,two/1%3Fmaster=shop%26sentinelPassword=s3cret2"));
        assertThat(address.results().sentinels()).hasToString("shop of [one:26379, two:26379]");
        assertThat(address.results().password()).isEqualTo("s3cret");
        assertThat(address.results().resultExpires()).isEqualTo(Duration.ofDays(1));
        assertThat(address.toString()).doesNotContain("s3cret", "pw").contains("one,two");
        assertThatThrownBy(() -> new AmqpAddress(BrokerUri.parse("celery+amqp://rabbit/?result="
                + "redis+sentinel://one/1%3Fmaster=m%26prefix=x"))).hasMessageContaining("kept nowhere else");
    }
}
