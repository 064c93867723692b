package dev.sennit.queue.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.ShutdownSignalException;
import com.rabbitmq.client.impl.AMQImpl;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.conformance.BrokenLogin;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class RabbitmqErrorsTest {
    private final RabbitmqErrors errors = new RabbitmqErrors("rabbitmq://mq", "hush");

    private BrokerException of(int code, String text) {
        return errors.of(new IOException(new ShutdownSignalException(false, false,
                new AMQImpl.Channel.Close(code, text, 0, 0), null)), false);
    }

    @Test
    void aQueueThatWasLostHasARemedy() {
        BrokerException lost = of(404, "NOT_FOUND - home node 'sennit@localhost' of durable queue 'sennit/directory' in"
                + " vhost '/' is down or inaccessible");
        assertThat(lost.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE);
        assertThat(lost).hasMessageContaining("has no leader for a queue")
                .hasMessageContaining("home node 'sennit@localhost'").hasMessageContaining("use another ?prefix=");
        assertThat(of(404, "NOT_FOUND - no queue 'x'")).hasMessageContaining("refuses")
                .hasMessageContaining("no queue");
    }

    @Test
    void aConnectionThatBreaksWhileTheUserLogsInIsNoRefusal() throws Exception {
        try (var server = new BrokenLogin()) {
            assertThatThrownBy(() -> Broker.open("rabbitmq://guest:guest@127.0.0.1:" + server.port() + "/"))
                    .isInstanceOfSatisfying(BrokerException.class,
                            e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE))
                    .hasMessageContaining("cannot be reached");
        }
    }
}
