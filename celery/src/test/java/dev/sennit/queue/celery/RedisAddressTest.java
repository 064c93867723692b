package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerUri;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RedisAddressTest {
    private static RedisAddress address(String text) {
        return new RedisAddress(BrokerUri.parse(text));
    }

    @Test
    void allPartsAreRead() {
        RedisAddress address =
                address("celery+redis://me:a%40b@redis.local:7000/3?default_queue=jobs&visibility_timeout=60"
                        + "&result_expires=10");
        assertThat(address.host()).isEqualTo("redis.local");
        assertThat(address.port()).isEqualTo(7000);
        assertThat(address.database()).isEqualTo(3);
        assertThat(address.user()).isEqualTo("me");
        assertThat(address.password()).isEqualTo("a@b");
        assertThat(address.visibilitySeconds()).isEqualTo(60);
        assertThat(address.resultExpires()).hasSeconds(10);
        assertThat(address.queue("default")).isEqualTo("jobs");
        assertThat(address.queue("other")).isEqualTo("other");
        assertThat(address).hasToString("celery+redis://me:***@redis.local:7000/3?default_queue=jobs"
                + "&visibility_timeout=60&result_expires=10");
    }

    @Test
    void mostPartsMayBeMissing() {
        RedisAddress address = address("celery+redis://localhost");
        assertThat(address.port()).isEqualTo(6379);
        assertThat(address.database()).isZero();
        assertThat(address.user()).isNull();
        assertThat(address.password()).isNull();
        assertThat(address("celery+redis://:pw@[::1]:1/").host()).isEqualTo("::1");
        assertThat(address("celery+redis://:pw@localhost/").password()).isEqualTo("pw");
    }

    @Test
    void queuesHaveAListForEachStep() {
        RedisAddress address = address("celery+redis://localhost");
        assertThat(address.lists("default"))
                .containsExactly("celery", "celery\u0006\u00163", "celery\u0006\u00166", "celery\u0006\u00169");
        assertThat(address.list("q", 0)).isEqualTo("q");
        assertThat(address.list("q", 2)).isEqualTo("q");
        assertThat(address.list("q", 5)).isEqualTo("q\u0006\u00163");
        assertThat(RedisAddress.queueOf("q\u0006\u00163")).isEqualTo("q");
        assertThat(RedisAddress.queueOf("q")).isEqualTo("q");
    }

    @Test
    void prioritiesGoTheOtherWay() {
        RedisAddress four = address("celery+redis://localhost");
        assertThat(four.hasAllPriorities()).isFalse();
        assertThat(IntStream.rangeClosed(0, 5).map(four::priority).boxed()).containsExactly(9, 9, 6, 6, 3, 0);
        assertThat(List.of(four.sennitPriority(0), four.sennitPriority(3), four.sennitPriority(9)))
                .containsExactly(5, 4, 1);
        RedisAddress ten = address("celery+redis://localhost?priority_steps=0,1,2,3,4,5,6,7,8,9");
        assertThat(ten.hasAllPriorities()).isTrue();
        for (int priority = 0; priority < 10; priority++) {
            assertThat(ten.priority(priority)).isEqualTo(9 - priority);
            assertThat(ten.sennitPriority(ten.priority(priority))).isEqualTo(priority);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"celery+redis:localhost", "celery+redis://", "celery+redis://:s3cret@",
        "celery+redis://:s3cret@host:port/0", "celery+redis://:s3cret@host/one", "celery+redis://:s3cret@host:0/0",
        "celery+redis://:s3cret@host?unknown=1", "celery+redis://:s3cret@host?priority_steps=3,6",
        "celery+redis://:s3cret@host?priority_steps=0,6,3", "celery+redis://:s3cret@host?result_expires=never",
        "celery+redis://:s3/cret@host%zz"})
    void whatIsWrongIsRefusedWithoutThePassword(String text) {
        assertThatThrownBy(() -> address(text)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("s3cret").hasMessageNotContaining("\n");
    }

    @Test
    void sentinelsAreRead() {
        var address = new RedisAddress(BrokerUri.parse(
                "celery+redis+sentinel://:a%40b@one,two:7000/3?master=shop&sentinelPassword=s3cret"
                        + "&default_queue=jobs"));
        assertThat(address.sentinels()).hasToString("shop of [one:26379, two:7000]");
        assertThat(address.database()).isEqualTo(3);
        assertThat(address.password()).isEqualTo("a@b");
        assertThat(address.defaultQueue()).isEqualTo("jobs");
        assertThat(address.toString()).doesNotContain("s3cret", "a@b", "a%40b");
        assertThat(new RedisAddress(BrokerUri.parse("celery+redis://localhost")).sentinels()).isNull();
    }
}
