package dev.sennit.cli.services;

import static dev.sennit.internal.text.PrometheusText.seconds;

import dev.sennit.cli.command.PageServer;
import dev.sennit.cli.command.PageServer.Page;
import dev.sennit.internal.Durations;
import dev.sennit.internal.text.PrometheusText;
import dev.sennit.internal.text.PrometheusText.Type;
import dev.sennit.service.ListenerStatus;
import dev.sennit.service.ServiceStatus;
import dev.sennit.service.SlotState;
import dev.sennit.service.SlotStatus;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The texts of the pages of a {@link PageServer}. Making a page may take time, for as long as the manager or the
 * system takes to answer. Each page is made by one thread at a time.
 */
final class FigurePages {
    /** Knows the manager. Its methods are called from any thread; one that takes too long fails a page, and no more. */
    interface Source {
        /**
         * The state of each worker.
         *
         * @return in the order in which to show them
         */
        List<SlotStatus> workers();

        /** The services. */
        List<ServiceStatus> services();

        /** What the workers have told of themselves, by generation. */
        List<ServiceStatus.Figures> figures();

        /** The listeners of the manager. */
        List<ListenerStatus> listeners();

        /**
         * Whether all wanted workers are ready, or have done their work.
         *
         * @return false while any is not
         */
        boolean isUp();

        /**
         * Whether the manager has been told to end.
         *
         * @return true from then on
         */
        boolean isStopping();

        /**
         * A proof that the manager works: its thread has looked at all services once more.
         *
         * @return done when it has; never, if that thread hangs
         */
        CompletableFuture<Void> whenAlive();

        /**
         * How many lines of the log were dropped.
         *
         * @return the number so far
         */
        long droppedLines();
    }

    private static final Duration PROOF_LIMIT = Duration.ofSeconds(1);
    private static final int OK = 200;
    private static final int UNAVAILABLE = 503;
    private static final Page FINE = Page.of(OK, "ok");

    private final Source source;
    private final Duration proofLimit;
    private final ListenerBacklog backlog = new ListenerBacklog();
    /** Of {@link #metrics} alone. */
    private final WorkerTotals totals = new WorkerTotals();
    /**
     * Of {@link #health} alone: the proof of life that was asked for last, which may take for ever. No other is asked
     * for until it has come.
     */
    private @Nullable CompletableFuture<Void> proof;

    FigurePages(Source source) {
        this(source, PROOF_LIMIT);
    }

    /**
     * Makes the pages.
     *
     * @param proofLimit what the manager has for a proof of its life
     */
    FigurePages(Source source, Duration proofLimit) {
        this.source = source;
        this.proofLimit = proofLimit;
    }

    /** Returns what makes a page, by its path. */
    Map<String, Callable<Page>> byPath() {
        return Map.of("/metrics", this::metrics, "/healthz", this::health, "/readyz", this::readiness);
    }

    // ---- health and readiness ----

    private Page health() throws InterruptedException {
        CompletableFuture<Void> asked = proof;
        if (asked == null || asked.isDone()) {
            asked = source.whenAlive();
            proof = asked;
        }
        try {
            asked.get(proofLimit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return Page.of(UNAVAILABLE, "the manager has not decided anything for " + Durations.text(proofLimit));
        } catch (ExecutionException e) {
            return Page.of(UNAVAILABLE, "the manager has ended");
        }
        List<SlotStatus> failed = source.workers().stream()
                .filter(worker -> worker.state() == SlotState.FAILED)
                .toList();
        if (failed.isEmpty()) {
            return FINE;
        }
        String others = failed.size() == 1 ? "" : ", and " + (failed.size() - 1) + " more";
        return Page.of(UNAVAILABLE, name(failed.getFirst()) + " has failed" + others + ": " + failed.getFirst().why());
    }

    private Page readiness() {
        if (source.isStopping()) {
            return Page.of(UNAVAILABLE, "the manager is stopping");
        }
        if (source.isUp()) {
            return FINE;
        }
        Map<String, Integer> wanted = new LinkedHashMap<>();
        source.services().forEach(service -> wanted.put(service.name(), service.wanted()));
        List<SlotStatus> workers = source.workers();
        List<String> missing = new ArrayList<>();
        for (SlotStatus worker : workers) {
            boolean isReady = worker.state() == SlotState.READY || worker.state() == SlotState.STOPPED;
            boolean isWanted = worker.id() < wanted.getOrDefault(worker.service(), 0);
            if (worker.state() == SlotState.FAILED || isWanted && !isReady) {
                missing.add(name(worker) + " " + word(worker.state()) + " for " + age(worker.since()) + ": "
                        + worker.why());
            }
        }
        wanted.forEach((service, count) -> {
            long there = workers.stream().filter(worker -> worker.service().equals(service)).count();
            if (there < count) {
                missing.add(service + " has " + there + " of " + count + " workers");
            }
        });
        if (missing.isEmpty() && (isOnlyReloading() || source.isUp())) {
            return FINE;
        }
        if (missing.isEmpty()) {
            missing.add("workers are being replaced, or a service that runs once has not done its work");
        }
        return Page.of(UNAVAILABLE, String.join("\n", missing));
    }

    /** Whether all that is missing is the next generation of services whose workers serve. */
    private boolean isOnlyReloading() {
        List<ServiceStatus> services = source.services();
        return services.stream().anyMatch(ServiceStatus::isReloading)
                && services.stream().allMatch(one -> one.isUp() || one.isReloading() && one.ready() >= one.wanted());
    }

    private static String name(SlotStatus worker) {
        return worker.service() + "(" + worker.id() + ")";
    }

    private static String age(Instant since) {
        return Durations.text(since(since).truncatedTo(ChronoUnit.MILLIS));
    }

    /** The clock may have been set back. */
    private static Duration since(Instant moment) {
        Duration age = Duration.between(moment, Instant.now());
        return age.isNegative() ? Duration.ZERO : age;
    }

    private static String word(SlotState state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    // ---- figures ----

    private Page metrics() {
        List<SlotStatus> workers = source.workers();
        Map<Long, ProcessUsage> usage = ProcessUsage.ofTrees(workers.stream()
                .map(SlotStatus::pid)
                .filter(pid -> pid != 0)
                .toList());
        totals.look(workers, usage);
        var text = new PrometheusText();
        states(text, workers);
        new PerWorker(text, workers, usage, totals).write();
        List<ServiceStatus.Figures> figures = source.figures();
        deaths(text, figures);
        new HttpFigures(text, figures).write();
        backlogs(text);
        services(text, source.services()); // asked once, so that its families agree
        manager(text);
        return new Page(OK, PrometheusText.MEDIA_TYPE, text.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static void states(PrometheusText text, List<SlotStatus> workers) {
        text.family("sennit_worker_state", Type.GAUGE, "1 for the state of the worker, 0 for all others.");
        for (SlotStatus worker : workers) {
            for (SlotState state : SlotState.values()) {
                text.sample(
                        number(worker.state() == state ? 1 : 0),
                        "service", worker.service(), "worker", Integer.toString(worker.id()), "state", word(state));
            }
        }
    }

    /** Families with a sample for each worker. */
    private record PerWorker(
            PrometheusText text, List<SlotStatus> workers, Map<Long, ProcessUsage> usage, WorkerTotals totals) {
        void write() {
            gauge("sennit_worker_up", "Whether the worker is ready.",
                    worker -> number(worker.state() == SlotState.READY ? 1 : 0));
            gauge("sennit_worker_age_seconds", "The time since the worker's process was started.",
                    worker -> worker.started().map(start -> seconds(since(start))).orElse(null));
            gauge("sennit_worker_heartbeat_age_seconds", "The time since the last heartbeat of the worker's process.",
                    worker -> worker.heartbeatAge().map(PrometheusText::seconds).orElse(null));
            counter("sennit_worker_restarts_total", "Processes that were started because another had died.",
                    worker -> number(worker.restarts()));
            counter("sennit_worker_replacements_total",
                    "Processes that took the place of one that was still running.",
                    worker -> number(worker.replacements()));
            counter("sennit_worker_work_total", "Pieces of work that all processes of the worker have done.",
                    worker -> number(totals.work(worker)));
            counter("sennit_worker_cpu_seconds_total",
                    "Processor time of all processes of the worker, and of processes below them.",
                    worker -> totals.cpu(worker).map(PrometheusText::seconds).orElse(null));
            used("sennit_worker_resident_bytes",
                    "Memory of the worker's process and of processes below it, without pages of files.",
                    ProcessUsage::residentBytes);
            used("sennit_worker_threads", "Threads of the worker's process and of processes below it.",
                    used -> OptionalLong.of(used.threads()));
            used("sennit_worker_open_descriptors",
                    "Open descriptors of the worker's process and of processes below it.",
                    ProcessUsage::openDescriptors);
        }

        private void used(String name, String help, Function<ProcessUsage, OptionalLong> figure) {
            gauge(name, help, worker -> {
                ProcessUsage used = usage.get(worker.pid());
                OptionalLong told = used == null ? OptionalLong.empty() : figure.apply(used);
                return told.isPresent() ? number(told.getAsLong()) : null;
            });
        }

        private void gauge(String name, String help, Function<SlotStatus, @Nullable BigDecimal> figure) {
            family(name, Type.GAUGE, help, figure);
        }

        private void counter(String name, String help, Function<SlotStatus, @Nullable BigDecimal> figure) {
            family(name, Type.COUNTER, help, figure);
        }

        private void family(String name, Type type, String help, Function<SlotStatus, @Nullable BigDecimal> figure) {
            text.family(name, type, help);
            for (SlotStatus worker : workers) {
                BigDecimal value = figure.apply(worker);
                if (value != null) {
                    text.sample(value, "service", worker.service(), "worker", Integer.toString(worker.id()));
                }
            }
        }
    }

    private static void deaths(PrometheusText text, List<ServiceStatus.Figures> figures) {
        text.family("sennit_worker_deaths_total", Type.COUNTER, "Processes of workers that died, by cause.");
        for (ServiceStatus.Figures one : figures) {
            one.deaths().forEach((cause, count) -> text.sample(
                    number(count), "service", one.service(), "generation", Long.toString(one.generation()), "cause",
                    cause));
        }
    }

    private void backlogs(PrometheusText text) {
        text.family("sennit_listener_backlog", Type.GAUGE, "Connections that wait until a worker accepts them.");
        for (ListenerStatus listener : source.listeners()) {
            OptionalLong waiting = backlog.of(listener.address());
            if (waiting.isPresent()) {
                text.sample(number(waiting.getAsLong()), "listener", listener.name());
            }
        }
    }

    private static void services(PrometheusText text, List<ServiceStatus> services) {
        perService(text, services, "sennit_service_up", "1 if all wanted workers are ready, or have done their work.",
                service -> service.isUp() ? 1 : 0);
        perService(text, services, "sennit_service_wanted_workers", "Workers that the service is to have.",
                ServiceStatus::wanted);
        perService(text, services, "sennit_service_ready_workers", "Workers of the service that are ready.",
                ServiceStatus::ready);
    }

    private static void perService(
            PrometheusText text, List<ServiceStatus> services, String name, String help,
            ToLongFunction<ServiceStatus> figure) {
        text.family(name, Type.GAUGE, help);
        for (ServiceStatus service : services) {
            text.sample(number(figure.applyAsLong(service)), "service", service.name());
        }
    }

    private void manager(PrometheusText text) {
        text.family("sennit_manager_dropped_log_lines_total", Type.COUNTER,
                "Lines that were not written, as they came too quickly or the log could not be written.");
        text.sample(number(source.droppedLines()));
        text.family("sennit_manager_uptime_seconds", Type.GAUGE, "The time since the manager was started.");
        text.sample(seconds(Duration.ofMillis(ManagementFactory.getRuntimeMXBean().getUptime())));
        ProcessUsage.of(ProcessHandle.current().pid()).ifPresent(used -> {
            text.family("sennit_manager_cpu_seconds_total", Type.COUNTER, "Processor time of the manager.");
            text.sample(seconds(used.cpu()));
            text.family("sennit_manager_threads", Type.GAUGE, "Threads of the manager.");
            text.sample(number(used.threads()));
            used.residentBytes().ifPresent(bytes -> {
                text.family("sennit_manager_resident_bytes", Type.GAUGE,
                        "Memory of the manager, without pages of files.");
                text.sample(number(bytes));
            });
            used.openDescriptors().ifPresent(open -> {
                text.family("sennit_manager_open_descriptors", Type.GAUGE, "Open descriptors of the manager.");
                text.sample(number(open));
            });
        });
    }

    private static BigDecimal number(long value) {
        return BigDecimal.valueOf(value);
    }
}
