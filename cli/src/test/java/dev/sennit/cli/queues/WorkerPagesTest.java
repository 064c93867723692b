package dev.sennit.cli.queues;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.cli.command.PageServer.Page;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.TaskType;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class WorkerPagesTest {
    @Test
    void metricsAreServedWhileTheBrokerDoesNotAnswer() throws Exception {
        var isAway = new AtomicBoolean();
        TaskType<String, Integer> length = TaskType.of("length", String.class, String::length);
        try (Broker broker = Broker.open("memory:");
                QueueWorker worker =
                        QueueWorker.builder(broker).types(length).on("threads:1").providers(null).start()) {
            Broker faulty =
                    (Broker) Proxy.newProxyInstance(Broker.class.getClassLoader(), new Class<?>[] {Broker.class},
                            (_, method, arguments) -> {
                                if (isAway.get()) {
                                    throw new BrokerException(BrokerException.Kind.UNAVAILABLE, false, "it is away",
                                            null);
                                }
                                try {
                                    return method.invoke(broker, arguments);
                                } catch (InvocationTargetException e) {
                                    throw e.getCause();
                                }
                            });
            var pages = new WorkerPages(faulty, worker).byPath();
            assertThat(text(pages.get("/metrics").call())).contains("sennit_queue_worker_places{",
                    "sennit_queue_oldest_ready_seconds{queue=\"default\"} 0");
            isAway.set(true);
            assertThat(text(pages.get("/metrics").call())).contains("sennit_queue_worker_places{")
                    .doesNotContain("sennit_queue_oldest_ready_seconds");
        }
    }

    private static String text(Page page) {
        assertThat(page.status()).isEqualTo(200);
        return new String(page.content(), StandardCharsets.UTF_8);
    }
}
