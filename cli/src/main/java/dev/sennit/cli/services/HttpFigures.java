package dev.sennit.cli.services;

import dev.sennit.internal.text.PrometheusText;
import dev.sennit.internal.text.PrometheusText.Type;
import dev.sennit.service.ServiceStatus;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Figures that application servers have told their manager, by service and generation. */
final class HttpFigures {
    private static final String TIME = "http.time.";
    private static final String QUEUE = "http.queue.";
    private static final String MICROS = "micros";
    private static final int MICRO_DIGITS = 6;
    /** A number above all bounds stands for none. */
    private static final BigDecimal UNBOUNDED = BigDecimal.valueOf(Long.MAX_VALUE);

    /** The bounds that servers have. Empty buckets are shown: a series that begins late has lost its first rise. */
    private static final List<BigDecimal> BOUNDS = List.of(
            "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30")
            .stream().map(BigDecimal::new).toList();

    private final PrometheusText text;
    private final List<ServiceStatus.Figures> servers;

    HttpFigures(PrometheusText text, List<ServiceStatus.Figures> all) {
        this.text = text;
        servers = all.stream()
                .filter(one -> one.sums().keySet().stream().anyMatch(name -> name.startsWith("http."))
                        || one.gauges().containsKey("http.places"))
                .toList();
    }

    void write() {
        if (servers.isEmpty()) {
            return;
        }
        gauge("in_flight", "sennit_http_in_flight_requests", "Requests that have begun and not ended.");
        gauge("running", "sennit_http_running_requests", "Requests whose handlers run.");
        gauge("places", "sennit_http_places", "Requests that may run at a time.");
        text.family("sennit_http_busy_ratio", Type.GAUGE, "The share of places in which a request runs.");
        for (ServiceStatus.Figures one : servers) {
            long places = one.gauges().getOrDefault("http.places", 0L);
            if (places > 0) {
                text.sample(
                        BigDecimal.valueOf(1000 * one.gauges().getOrDefault("http.running", 0L) / places, 3),
                        labels(one));
            }
        }
        gauge("queued", "sennit_http_queued_requests", "Requests that wait for a place.");
        gauge("open", "sennit_http_open_connections", "Connections that are open.");
        sum("connections", "sennit_http_connections_total", "Connections that were accepted.");
        sum("bytes", "sennit_http_response_body_bytes_total", "Bytes of the bodies of responses.");
        sum("overloaded", "sennit_http_refused_requests_total",
                "Requests that were answered with 503, as too many waited or the server stopped.");
        sum("late", "sennit_http_late_requests_total", "Requests that were ended at their deadline.");
        sum("cut", "sennit_http_cut_responses_total", "Responses that were not sent whole.");
        sum("malformed", "sennit_http_malformed_requests_total", "Requests that could not be parsed.");
        text.family("sennit_http_request_seconds", Type.HISTOGRAM,
                "The time from the end of a request's head to the end of its response.");
        for (ServiceStatus.Figures one : servers) {
            Map<String, TreeMap<BigDecimal, Long>> byStatus = new TreeMap<>();
            one.sums().forEach((name, count) -> {
                String[] parts = name.split("\\.");
                if (name.startsWith(TIME) && parts.length == 4 && !parts[3].equals(MICROS)) {
                    byStatus.computeIfAbsent(parts[2], _ -> new TreeMap<>()).put(bound(parts[3]), count);
                }
            });
            byStatus.forEach((status, buckets) -> histogram(
                    buckets, one.sums().getOrDefault(TIME + status + "." + MICROS, 0L),
                    "service", one.service(), "generation", Long.toString(one.generation()), "status", status));
        }
        text.family("sennit_http_queue_seconds", Type.HISTOGRAM, "The time from the end of a request's head to its "
                + "handler.");
        for (ServiceStatus.Figures one : servers) {
            TreeMap<BigDecimal, Long> buckets = new TreeMap<>();
            one.sums().forEach((name, count) -> {
                if (name.startsWith(QUEUE) && !name.endsWith(MICROS)) {
                    buckets.put(bound(name.substring(QUEUE.length())), count);
                }
            });
            if (!buckets.isEmpty()) {
                histogram(buckets, one.sums().getOrDefault(QUEUE + MICROS, 0L), labels(one));
            }
        }
    }

    private static BigDecimal bound(String micros) {
        return micros.matches("[0-9]{1,15}")
                ? BigDecimal.valueOf(Long.parseLong(micros), MICRO_DIGITS).stripTrailingZeros()
                : UNBOUNDED;
    }

    private void histogram(TreeMap<BigDecimal, Long> buckets, long micros, String... labels) {
        BOUNDS.forEach(bound -> buckets.putIfAbsent(bound.stripTrailingZeros(), 0L));
        buckets.putIfAbsent(UNBOUNDED, 0L);
        long count = 0;
        for (Map.Entry<BigDecimal, Long> bucket : buckets.entrySet()) {
            count += bucket.getValue();
            String bound = bucket.getKey().equals(UNBOUNDED) ? "+Inf" : bucket.getKey().toPlainString();
            text.bucket(count, with(labels, "le", bound));
        }
        text.sumAndCount(BigDecimal.valueOf(micros, MICRO_DIGITS), count, labels);
    }

    private static String[] with(String[] labels, String name, String value) {
        String[] all = Arrays.copyOf(labels, labels.length + 2);
        all[labels.length] = name;
        all[labels.length + 1] = value;
        return all;
    }

    private void gauge(String name, String family, String help) {
        text.family(family, Type.GAUGE, help);
        for (ServiceStatus.Figures one : servers) {
            text.sample(BigDecimal.valueOf(one.gauges().getOrDefault("http." + name, 0L)), labels(one));
        }
    }

    private void sum(String name, String family, String help) {
        text.family(family, Type.COUNTER, help);
        for (ServiceStatus.Figures one : servers) {
            text.sample(BigDecimal.valueOf(one.sums().getOrDefault("http." + name, 0L)), labels(one));
        }
    }

    private static String[] labels(ServiceStatus.Figures one) {
        return new String[] {"service", one.service(), "generation", Long.toString(one.generation())};
    }
}
