package dev.sennit.queue.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.queue.broker.BrokerException;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OutageTest {
    private static final RuntimeException DOWN =
            new BrokerException(BrokerException.Kind.UNAVAILABLE, false, "it is down", null);

    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final Outage outage = new Outage("w1", "rabbitmq://here", clock);
    private final Logger logger = Logger.getLogger(Worker.class.getName());
    private final List<String> lines = new ArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            lines.add(line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        logger.addHandler(handler);
    }

    @AfterEach
    void stop() {
        logger.removeHandler(handler);
    }

    @Test
    void whatAnotherCallDoesWithoutTheServerEndsNoOutage() {
        outage.failed(Outage.Call.CLAIM, DOWN);
        assertThat(lines).hasSize(1).first().asString().contains("does not answer: it is down");
        clock.advance(Duration.ofMillis(500));
        outage.worked(Outage.Call.REPORT);
        outage.worked(Outage.Call.UPKEEP);
        assertThat(lines).hasSize(1);
        assertThat(outage.away()).isEqualTo(Duration.ofMillis(500));
        clock.advance(Duration.ofMillis(4500));
        outage.worked(Outage.Call.CLAIM);
        assertThat(lines).hasSize(2).last().asString().endsWith("answers again after 5000 ms");
        assertThat(outage.away()).isZero();
    }

    @Test
    void oneThatHasFailedProvesThatTheServerIsBack() {
        outage.failed(Outage.Call.RENEW, DOWN);
        outage.failed(Outage.Call.END, DOWN);
        outage.worked(Outage.Call.UPKEEP);
        assertThat(lines).hasSize(1);
        outage.worked(Outage.Call.END);
        assertThat(lines).hasSize(2);
        assertThat(outage.away()).isZero();
    }

    @Test
    void whatIsNotTriedAgainEndsTheOutageInTheEnd() {
        outage.failed(Outage.Call.RENEW, DOWN);
        clock.advance(Duration.ofSeconds(16));
        outage.worked(Outage.Call.CLAIM);
        assertThat(lines).hasSize(2).last().asString().contains("answers again");
        assertThat(outage.away()).isZero();
    }
}
