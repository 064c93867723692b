package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.BrokerUri;
import org.junit.jupiter.api.Test;

class BrokerUriTest {
    @Test
    void hidesSecrets() {
        assertThat(BrokerUri.parse("postgresql://me:secret@host/jobs?pwd=a&authorization=b&password=c&schema=d"))
                .hasToString("postgresql://me:***@host/jobs?pwd=***&authorization=***&password=***&schema=d");
    }

    @Test
    void showsAnAddressInAnOptionAsItIsWritten() {
        String address = "rabbitmq://host/jobs?store=redis://me:***%40db/0%3Fprefix=a%2525%26size=3&prefix=b";
        BrokerUri uri = BrokerUri.parse(address.replace("***", "secret"));
        assertThat(uri).hasToString(address);
        assertThat(uri.options()).containsEntry("store", "redis://me:secret@db/0?prefix=a%25&size=3");
        String other = "rabbitmq://me:***@host/jobs?store=redis://:***@db/0";
        assertThat(BrokerUri.parse(other)).hasToString(other);
    }

    @Test
    void takesNoPasswordForAnOption() {
        assertThatThrownBy(() -> BrokerUri.parse("postgresql://me:pa?x=y@host/jobs"))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("write ? as %3F in a password")
                .hasMessageNotContainingAny("pa?", "x=y", "host");
        assertThat(BrokerUri.parse("postgresql://me:pa%3Fx=y@host/jobs").password()).isEqualTo("pa?x=y");
        assertThat(BrokerUri.parse("postgresql://me:p@host/jobs?application=a@b").options()).containsKey("application");
        assertThat(BrokerUri.parse("sqlite:jobs.db?owner=a@b").options()).containsEntry("owner", "a@b");
    }
}
