package dev.sennit.cli.queues;

import dev.sennit.cli.command.PageServer.Page;
import dev.sennit.internal.text.PrometheusText;
import dev.sennit.internal.text.PrometheusText.Type;
import dev.sennit.queue.QueueWorker;
import dev.sennit.queue.QueueWorker.Status;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** What {@code sennit worker --metrics} serves. */
final class WorkerPages {
    private static final Logger LOG = System.getLogger(WorkerPages.class.getName());
    private static final int OK = 200;
    private static final int UNAVAILABLE = 503;
    private static final double MILLIS = 1e3;

    private final Broker broker;
    private final QueueWorker worker;

    WorkerPages(Broker broker, QueueWorker worker) {
        this.broker = broker;
        this.worker = worker;
    }

    /** Returns what makes a page, by its path. */
    Map<String, Callable<Page>> byPath() {
        return Map.of("/metrics", this::metrics, "/healthz", this::health, "/readyz", this::readiness);
    }

    private Page health() {
        Status status = worker.status();
        return status.isHealthy() ? Page.of(OK, "ok") : Page.of(UNAVAILABLE, String.join("\n", status.problems()));
    }

    private Page readiness() {
        Status status = worker.status();
        return status.state() == QueueWorker.State.RUNNING
                ? Page.of(OK, "ok")
                : Page.of(UNAVAILABLE, "the worker is " + TaskText.name(status.state()));
    }

    private Page metrics() {
        Status status = worker.status();
        var text = new PrometheusText();
        count(text, "sennit_queue_worker_succeeded_total", "Tasks that have succeeded.", status.succeeded());
        count(text, "sennit_queue_worker_failed_total", "Runs that have failed.", status.failed());
        count(text, "sennit_queue_worker_crashed_total", "Runs that were lost with their process.", status.crashed());
        count(text, "sennit_queue_worker_given_back_total", "Tasks that were given back.", status.givenBack());
        count(text, "sennit_queue_worker_cancelled_total", "Runs that ended as their task was cancelled.",
                status.cancelled());
        count(text, "sennit_queue_worker_refused_total", "Runs in vain, as their lease was lost.", status.refused());
        gauge(text, "sennit_queue_worker_places", "How many tasks it runs at a time.", status.places());
        gauge(text, "sennit_queue_worker_running", "How many tasks run.", status.runs().size());
        gauge(text, "sennit_queue_worker_ahead", "How many tasks are claimed and have not begun.", status.ahead());
        gauge(text, "sennit_queue_worker_untold", "Of how many ends the broker has not been told.", status.untold());
        gauge(text, "sennit_queue_worker_problems", "How many reasons there are why it is not healthy.",
                status.problems().size());
        oldestReady(text, status);
        return new Page(OK, PrometheusText.MEDIA_TYPE, text.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Adds what only the broker knows; without it if the broker does not answer, as the rest tells of just that. */
    private void oldestReady(PrometheusText text, Status status) {
        Map<String, Duration> oldest = new TreeMap<>();
        try {
            for (String queue : status.queues().keySet()) {
                Optional<Duration> age = broker.oldestReady(List.of(queue));
                oldest.put(queue, age.orElse(Duration.ZERO));
            }
        } catch (BrokerException | IllegalStateException e) {
            LOG.log(Level.DEBUG, "leaves sennit_queue_oldest_ready_seconds out", e);
            return;
        }
        text.family("sennit_queue_oldest_ready_seconds", Type.GAUGE,
                "How long the oldest task that is ready has waited; 0 if there is none.");
        oldest.forEach((queue, age) -> text.sample(BigDecimal.valueOf(age.toMillis() / MILLIS), "queue", queue));
    }

    private void count(PrometheusText text, String family, String help, long value) {
        text.family(family, Type.COUNTER, help);
        text.sample(BigDecimal.valueOf(value), "worker", worker.status().name());
    }

    private void gauge(PrometheusText text, String family, String help, long value) {
        text.family(family, Type.GAUGE, help);
        text.sample(BigDecimal.valueOf(value), "worker", worker.status().name());
    }
}
