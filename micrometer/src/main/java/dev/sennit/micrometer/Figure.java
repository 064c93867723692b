package dev.sennit.micrometer;

import org.jspecify.annotations.Nullable;

/**
 * What is measured. Names are those of {@link dev.sennit.observe.PrometheusPage} and of the page of {@code sennit
 * services}, with points, and without what Micrometer's naming for Prometheus appends: {@code _total} and
 * {@code _seconds}.
 *
 * <p>A count has no base unit: a registry for Prometheus would append it, and one figure would have two names.
 */
enum Figure {
    POOL_WORKERS("sennit.pool.workers", Form.GAUGE, "Workers that serve."),
    POOL_QUEUED("sennit.pool.queued", Form.GAUGE, "Tasks that wait."),
    POOL_RUNNING("sennit.pool.running", Form.GAUGE, "Tasks that run."),
    POOL_SUBMITTED("sennit.pool.submitted", Form.COUNTER, "Tasks admitted."),
    POOL_SUCCEEDED("sennit.pool.succeeded", Form.COUNTER, "Tasks that ended with a value."),
    POOL_FAILED("sennit.pool.failed", Form.COUNTER, "Tasks that ended with an exception."),
    POOL_CANCELLED("sennit.pool.cancelled", Form.COUNTER, "Tasks that were cancelled."),
    POOL_REJECTED("sennit.pool.rejected", Form.COUNTER, "Submissions refused."),
    POOL_RETRIED("sennit.pool.retried", Form.COUNTER, "Attempts beyond the first of each task."),
    POOL_WORKERS_LOST("sennit.pool.workers.lost", Form.COUNTER, "Workers that died."),
    POOL_WORKERS_RECYCLED("sennit.pool.workers.recycled", Form.COUNTER, "Workers that were replaced."),
    POOL_QUEUE("sennit.pool.queue", Form.SECONDS_COUNTER, "Time that tasks have waited."),
    POOL_RUN("sennit.pool.run", Form.SECONDS_COUNTER, "Time of runs."),
    POOL_CPU("sennit.pool.cpu", Form.SECONDS_COUNTER, "Processor time of workers."),

    TASK_UNDER_WAY("sennit.task.under.way", Form.GAUGE, "Tasks that wait or run."),
    TASK_ENDED("sennit.task.ended", Form.COUNTER, "Tasks that have ended, by their outcome."),
    TASK_WAIT("sennit.task.wait", Form.TIMER, "How long tasks waited for a worker."),
    TASK_WAIT_PERCENTILE("sennit.task.wait.percentile", Form.SECONDS, "How long tasks waited for a worker."),
    TASK_WAIT_MAX("sennit.task.wait.max", Form.SECONDS, "The longest wait of a task for a worker."),
    TASK_RUN("sennit.task.run", Form.TIMER, "How long runs of tasks took."),
    TASK_RUN_PERCENTILE("sennit.task.run.percentile", Form.SECONDS, "How long runs of tasks took."),
    TASK_RUN_MAX("sennit.task.run.max", Form.SECONDS, "The longest run of a task."),
    TASK_EVENTS_MISSED("sennit.task.events.missed", Form.COUNTER, "Events that these figures lack."),

    SERVICE_UP("sennit.service.up", Form.GAUGE, "1 if all wanted workers are ready, or have done their work."),
    SERVICE_WANTED("sennit.service.wanted.workers", Form.GAUGE, "Workers that the service is to have."),
    SERVICE_READY("sennit.service.ready.workers", Form.GAUGE, "Workers of the service that are ready."),
    WORKER_RESTARTS("sennit.worker.restarts", Form.COUNTER, "Processes that were started because another had died."),
    WORKER_REPLACEMENTS("sennit.worker.replacements", Form.COUNTER,
            "Processes that took the place of one that was still running.");

    /** How a figure is told. */
    enum Form {
        /** A number that goes up and down. */
        GAUGE,
        /** A time that goes up and down. */
        SECONDS,
        /** A number that grows. */
        COUNTER,
        /** A sum of times, which grows. */
        SECONDS_COUNTER,
        /** A number of times, and their sum; both grow. */
        TIMER
    }

    private final String meter;
    private final Form form;
    private final String help;

    Figure(String meter, Form form, String help) {
        this.meter = meter;
        this.form = form;
        this.help = help;
    }

    String meter() {
        return meter;
    }

    Form form() {
        return form;
    }

    String help() {
        return help;
    }

    /** Returns the unit of the numbers; null for a count, and where Micrometer converts a time. */
    @Nullable String unit() {
        return form == Form.SECONDS_COUNTER ? "seconds" : null;
    }
}
