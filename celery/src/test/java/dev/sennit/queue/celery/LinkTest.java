package dev.sennit.queue.celery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.conformance.BrokenLogin;
import org.junit.jupiter.api.Test;

class LinkTest {
    @Test
    void aConnectionThatBreaksWhileTheUserLogsInIsNoRefusal() throws Exception {
        try (var server = new BrokenLogin()) {
            assertThatThrownBy(() -> Broker.open("celery+amqp://guest:guest@127.0.0.1:" + server.port() + "/"))
                    .isInstanceOfSatisfying(BrokerException.class,
                            e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNAVAILABLE))
                    .hasMessageContaining("cannot do it now");
        }
    }
}
