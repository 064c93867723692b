package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.Task;
import dev.sennit.TaskOptions;
import dev.sennit.internal.text.JsonReader;
import dev.sennit.observe.TaskEvent.Kind;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class ChromeTraceTest {
    private static final Set<String> SCOPES = Set.of("g", "p");

    private final StringBuilder out = new StringBuilder();
    private final ChromeTrace trace = new ChromeTrace(out);

    @SuppressWarnings("unchecked")
    private List<Map<String, Object>> records() throws IOException {
        trace.close();
        List<Map<String, Object>> records = (List<Map<String, Object>>) JsonReader.read(out.toString());
        ensureValid(records);
        return records;
    }

    private static void ensureFields(Map<String, Object> one, String... names) {
        Set<String> wanted = new HashSet<>(List.of(names));
        wanted.addAll(List.of("ph", "name", "pid", "tid"));
        assertThat(one.keySet()).as("%s", one).containsExactlyInAnyOrderElementsOf(wanted);
        assertThat(one.get("name")).isInstanceOf(String.class);
        assertThat(one.get("pid")).isInstanceOf(BigDecimal.class);
        assertThat(one.get("tid")).isInstanceOf(BigDecimal.class);
    }

    private static double number(Map<?, ?> one, String name) {
        double number = ((BigDecimal) one.get(name)).doubleValue();
        assertThat(number).as("%s", one).isNotNegative();
        return number;
    }

    /** As the description of the format has it, and as Perfetto wants it. */
    private static void ensureValid(List<Map<String, Object>> records) {
        Set<Object> named = new HashSet<>();
        Map<Object, List<double[]>> bars = new HashMap<>();
        for (Map<String, Object> one : records) {
            Object row = List.of(one.get("pid"), one.get("tid"));
            switch ((String) one.get("ph")) {
                case "M" -> {
                    ensureFields(one, "args");
                    Map<?, ?> args = (Map<?, ?>) one.get("args");
                    switch ((String) one.get("name")) {
                        case "process_name" -> {
                            assertThat(args.get("name")).isInstanceOf(String.class);
                            assertThat(named.add(one.get("pid"))).as("%s is the only one", one).isTrue();
                        }
                        case "thread_name" -> {
                            assertThat(args.get("name")).isInstanceOf(String.class);
                            assertThat(named).contains(one.get("pid"));
                            assertThat(named.add(row)).as("%s is the only one", one).isTrue();
                        }
                        case "thread_sort_index" -> number(args, "sort_index");
                        default -> throw new AssertionError(one);
                    }
                }
                case "X" -> {
                    ensureFields(one, "cat", "ts", "dur", "args");
                    assertThat(named).contains(one.get("pid"), row);
                    double begin = number(one, "ts");
                    double end = begin + number(one, "dur");
                    for (double[] other : bars.computeIfAbsent(row, _ -> new ArrayList<>())) {
                        boolean isApart = end <= other[0] + 1e-6 || other[1] <= begin + 1e-6;
                        boolean contains = begin <= other[0] && other[1] <= end || other[0] <= begin && end <= other[1];
                        assertThat(isApart || contains).as("%s overlaps a bar of its row", one).isTrue();
                    }
                    bars.get(row).add(new double[] {begin, end});
                }
                case "C" -> {
                    ensureFields(one, "ts", "args");
                    number(one, "ts");
                    assertThat(((Map<?, ?>) one.get("args")).values()).allMatch(BigDecimal.class::isInstance);
                }
                case "i" -> {
                    if (one.get("s").equals("g")) {
                        ensureFields(one, "ts", "s");
                    } else {
                        ensureFields(one, "ts", "s", "cat", "args");
                    }
                    assertThat(SCOPES).contains((String) one.get("s"));
                    number(one, "ts");
                }
                default -> throw new AssertionError(one);
            }
        }
    }

    private static List<Map<String, Object>> ofPhase(List<Map<String, Object>> records, String phase) {
        return records.stream().filter(one -> one.get("ph").equals(phase)).toList();
    }

    private static List<String> names(List<Map<String, Object>> records) {
        return records.stream().map(one -> (String) one.get("name")).toList();
    }

    private static List<String> rows(List<Map<String, Object>> records) {
        return ofPhase(records, "M").stream()
                .filter(one -> one.get("name").equals("thread_name"))
                .map(one -> (String) ((Map<?, ?>) one.get("args")).get("name"))
                .toList();
    }

    @Test
    void aRunIsABar() throws Exception {
        var task = new EventOf(7, "photos", "resize \"1\"");
        trace.event(task.submitted(0));
        trace.event(task.begun(1500, 1500, "photos-worker-1"));
        trace.event(task.ended(Kind.FAILED, 4000, 2400L, "E: no"));
        assertThat(out.toString().lines().filter(line -> line.contains("\"X\""))).containsExactly(
                "{\"ph\":\"X\",\"name\":\"resize \\\"1\\\"\",\"cat\":\"task,failed\",\"ts\":1500.000,\"dur\":2500.000,"
                        + "\"pid\":1,\"tid\":1,\"args\":{\"task\":7,\"outcome\":\"failed\",\"waitedSeconds\":0.0015,"
                        + "\"ranSeconds\":0.0024,\"worker\":\"photos-worker-1\",\"failure\":\"E: no\"}},");
        List<Map<String, Object>> records = records();
        assertThat(rows(records)).containsExactly("photos-worker-1");
        assertThat(ofPhase(records, "C")).extracting(one -> one.get("args").toString()).containsExactly(
                "{running=0, waiting=1}", "{running=1, waiting=0}", "{running=0, waiting=0}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"inline", "threads:3", "virtual:3", "virtual", "loop"})
    void poolsOfEachKindMakeAValidTrace(String plan) throws Exception {
        try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open(plan)) {
            List<Integer> items = IntStream.range(0, 200).boxed().toList();
            for (int i : items) {
                pool.submit(() -> Thread.yield(), i % 2 == 0 ? TaskOptions.NONE : TaskOptions.named("odd"));
            }
            assertThatThrownBy(pool.submit((Task<Integer>) () -> {
                throw new IllegalStateException();
            })::get).hasCauseInstanceOf(IllegalStateException.class);
            pool.submit(() -> pool.submit(() -> 1).get()).get(); // may run in the worker that waits
            pool.shutdown();
            assertThat(pool.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
            for (TaskEvent event : events.drain()) {
                trace.event(event);
            }
        }
        List<Map<String, Object>> records = records();
        assertThat(ofPhase(records, "X")).hasSize(203);
        assertThat(rows(records)).as("%s", rows(records)).hasSizeLessThanOrEqualTo(plan.endsWith("3") ? 4 : 203);
        if (plan.equals("threads:3")) {
            assertThat(rows(records)).allMatch(row -> row.contains("-worker-"));
        } else if (!plan.equals("inline")) {
            assertThat(rows(records)).allMatch(row -> row.startsWith("lane "));
        }
        assertThat(ofPhase(records, "C").getLast().get("args")).hasToString("{running=0, waiting=0}");
    }

    @Test
    void aStoppedRunEndsWhenItsWorkerIsFree() throws Exception {
        var task = new EventOf(1, "p", "n");
        trace.event(task.submitted(0));
        trace.event(task.begun(1, 1, "w"));
        trace.event(task.ended(Kind.CANCELLED, 5, null, null));
        trace.event(task.ended(Kind.RUN_OVER, 9, 8L, null));
        var other = new EventOf(2, "p", "other");
        trace.event(other.submitted(10));
        trace.event(other.begun(11, 1, "w"));
        trace.event(other.ended(Kind.RUN_OVER, 13, 2L, null)); // may come first
        trace.event(other.ended(Kind.CANCELLED, 14, null, null));
        List<Map<String, Object>> bars = ofPhase(records(), "X");
        assertThat(bars).extracting(one -> one.get("dur").toString()).containsExactly("8.000", "2.000");
        assertThat(bars).extracting(one -> one.get("cat")).containsExactly("task,cancelled", "task,stopped");
    }

    /** Two threads are at work then: one ends the future, and one runs the task. */
    @ParameterizedTest
    @CsvSource({
        "BEGUN RUN_OVER CANCELLED",
        "BEGUN CANCELLED RUN_OVER",
        "CANCELLED BEGUN RUN_OVER",
        "BEGUN CANCELLED HANDED_BACK RUN_OVER",
        "BEGUN HANDED_BACK CANCELLED RUN_OVER",
    })
    void aTaskIsCountedOnceInAnyOrderOfItsSteps(String steps) throws Exception {
        trace.event(new EventOf(1, "p", "waits").submitted(0));
        trace.event(new EventOf(2, "p", "waits").submitted(0));
        var task = new EventOf(3, "p", "stopped");
        trace.event(task.submitted(0));
        for (String step : steps.split(" ")) {
            trace.event(task.other(Kind.valueOf(step), 1));
        }
        assertThat(ofPhase(records(), "C").getLast().get("args")).hasToString("{running=0, waiting=2}");
    }

    @Test
    void tasksThatDidNotRunAndAttemptsAreMarks() throws Exception {
        var dropped = new EventOf(1, "p", "a");
        trace.event(dropped.submitted(0));
        trace.event(dropped.ended(Kind.CANCELLED, 5, null, null));
        var again = new EventOf(2, "p", "b");
        trace.event(again.submitted(6));
        trace.event(again.begun(7, 1, "w"));
        trace.event(again.other(Kind.HANDED_BACK, 8));
        trace.event(again.begun(9, 1, "v"));
        trace.event(again.other(Kind.RETRIED, 10));
        trace.event(again.ended(Kind.SUCCEEDED, 20, 3L, null));
        List<Map<String, Object>> records = records();
        assertThat(names(ofPhase(records, "i"))).containsExactly("cancelled: a", "again: b");
        assertThat(ofPhase(records, "X")).extracting(one -> one.get("ts").toString()).containsExactly("9.000");
        assertThat(ofPhase(records, "C").getLast().get("args")).hasToString("{running=0, waiting=0}");
    }

    /** Their names may be equal. */
    @Test
    void barsOfSeveralThreadsInOneRowAreCut() throws Exception {
        long[][] runs = {{2, 5}, {0, 10}, {3, 12}, {1, 15}, {14, 16}, {13, 17}, {0, 18}, {11, 30}};
        for (int i = 0; i < runs.length; i++) {
            var task = new EventOf(i, "p", "n");
            trace.event(task.submitted(0));
            trace.event(task.begun(runs[i][0], 0, "main"));
            trace.event(task.ended(Kind.SUCCEEDED, runs[i][1], 1L, null));
        }
        assertThat(ofPhase(records(), "X")).hasSize(runs.length); // which are looked at
    }

    @Test
    void missedEventsAreAMark() throws Exception {
        var task = new EventOf(1, "p", "a");
        trace.event(task.submitted(0));
        trace.event(task.begun(1, 1, "p-1"));
        trace.missed(12);
        trace.event(task.ended(Kind.SUCCEEDED, 3, 2L, null));
        var next = new EventOf(2, "p", "b");
        trace.event(next.submitted(4));
        trace.event(next.begun(5, 1, "p-2"));
        trace.event(next.ended(Kind.SUCCEEDED, 6, 1L, null));
        List<Map<String, Object>> records = records();
        assertThat(names(ofPhase(records, "i"))).containsExactly("12 events missed", "succeeded: a");
        assertThat(names(ofPhase(records, "X"))).containsExactly("b");
        assertThat(rows(records)).as("the lane is free again").containsExactly("lane 1");
    }

    @Test
    void rowsAndGroupsAreBounded() throws Exception {
        for (int i = 0; i < 3000; i++) {
            var task = new EventOf(i, "pool " + i, "n");
            trace.event(task.submitted(i));
            trace.event(task.begun(i, 0, "w"));
            trace.event(task.ended(Kind.SUCCEEDED, i + 1, 1L, null));
        }
        for (int i = 3000; i < 6000; i++) {
            var task = new EventOf(i, "pool 1", "n");
            trace.event(task.submitted(i));
            trace.event(task.begun(i, 0, i % 2 == 0 ? "worker " + i : "pool 1-" + i));
        }
        for (int i = 3000; i < 6000; i++) {
            trace.event(new EventOf(i, "pool 1", "n").ended(Kind.SUCCEEDED, 6000 + i, 1L, null));
        }
        trace.close();
        List<?> records = (List<?>) JsonReader.read(out.toString());
        assertThat(records).filteredOn(one -> ((Map<?, ?>) one).get("name").equals("process_name")).hasSize(1001);
        assertThat(records).filteredOn(one -> ((Map<?, ?>) one).get("name").equals("thread_name"))
                .hasSizeLessThanOrEqualTo(1001 + 2000);
        assertThat(records).filteredOn(one -> ((Map<?, ?>) one).get("ph").equals("X")).hasSize(6000);
    }

    /** The second process of worker 0 starts while the first runs, and the third in the row that is free again. */
    @Test
    void aProcessOfAServiceIsABarInTheRowOfItsWorker() throws Exception {
        String first = "printer worker(0) (pid 101)";
        String second = "printer worker(0) (pid 103)";
        trace.event(EventOf.service(Kind.MANAGER_STARTED, 0, "shop", null, null));
        trace.event(EventOf.service(Kind.SERVICE_STARTED, 1, "printer", first, null));
        trace.event(EventOf.service(Kind.SERVICE_STARTED, 1, "printer", "printer worker(1) (pid 102)", null));
        trace.event(EventOf.service(Kind.SERVICE_READY, 5, "printer", first, null));
        trace.event(EventOf.service(Kind.SERVICE_RELOADING, 6, "printer", null, null));
        trace.event(EventOf.service(Kind.SERVICE_STARTED, 7, "printer", second, null));
        trace.event(EventOf.service(Kind.SERVICE_READY, 8, "printer", second, null));
        trace.event(EventOf.service(Kind.SERVICE_STOPPING, 8, "printer", first, "has been replaced"));
        trace.event(EventOf.service(Kind.SERVICE_STOPPED, 9, "printer", first, "exited with code 0"));
        trace.event(EventOf.service(Kind.SERVICE_DIED, 10, "printer", second, "exited with code 3"));
        trace.event(EventOf.service(Kind.SERVICE_DIED, 11, "printer", "printer worker(0)", "cannot be started"));
        trace.event(EventOf.service(Kind.SERVICE_FAILED, 11, "printer", "printer worker(0)", "2 processes died"));
        trace.event(EventOf.service(Kind.SERVICE_STARTED, 12, "printer", "printer worker(0) (pid 104)", null));
        trace.event(EventOf.service(Kind.SERVICE_READY, 20, "printer", "another (pid 7)", null));
        List<Map<String, Object>> records = records();
        assertThat(rows(records))
                .containsExactly("printer worker(0)", "printer worker(1)", "printer worker(0) (2)");
        assertThat(ofPhase(records, "X")).extracting(one -> one.get("name") + " " + one.get("tid") + " "
                + one.get("cat") + " " + one.get("ts") + "+" + one.get("dur") + " " + one.get("args")).containsExactly(
                        first + " 1 service,stopped 1.000+8.000 {outcome=stopped, readySeconds=0.000004, "
                                + "ranSeconds=0.000008, failure=exited with code 0}",
                        second + " 3 service,died 7.000+3.000 {outcome=died, readySeconds=0.000001, "
                                + "ranSeconds=0.000003, failure=exited with code 3}",
                        "printer worker(1) (pid 102) 2 service,running 1.000+19.000 {outcome=running, "
                                + "ranSeconds=0.000019}",
                        "printer worker(0) (pid 104) 1 service,running 12.000+8.000 {outcome=running, "
                                + "ranSeconds=0.000008}");
        assertThat(names(ofPhase(records, "i"))).containsExactly(
                "manager started: shop", "reloading: printer", "died: printer worker(0)", "failed: printer worker(0)");
    }

    @Test
    void processesOfServicesAreBounded() throws Exception {
        for (int i = 0; i < 5000; i++) { // none of them is told to have ended
            trace.event(EventOf.service(Kind.SERVICE_STARTED, i, "s", "s worker(0) (pid " + i + ")", null));
        }
        trace.close();
        List<?> records = (List<?>) JsonReader.read(out.toString());
        assertThat(records).filteredOn(one -> ((Map<?, ?>) one).get("name").equals("thread_name"))
                .hasSizeLessThanOrEqualTo(2001);
        assertThat(records).filteredOn(one -> ((Map<?, ?>) one).get("ph").equals("X")).hasSize(1000);
    }

    /** A kind that an exporter does not draw harms it not. */
    @Test
    void theOtherExportersPassServicesOver() throws Exception {
        var figures = new TaskFigures();
        var picture = new TaskTimeline();
        for (Kind kind : Kind.values()) {
            if (!kind.isOfTask()) {
                TaskEvent event = EventOf.service(kind, 1, "printer", "printer worker(0) (pid 1)", "why");
                figures.event(event);
                picture.event(event);
                trace.event(event);
            }
        }
        assertThat(figures.byName()).isEmpty();
        assertThat(picture).hasToString("TaskTimeline[0 runs, 0 left]");
        var page = new StringBuilder();
        PrometheusPage.write(page, figures);
        assertThat(page).contains("sennit_task_events_missed_total 0").doesNotContain("printer");
        assertThat(records()).isNotEmpty();
    }

    @Test
    void nothingIsWrittenBehindTheEnd() throws Exception {
        trace.close();
        trace.event(new EventOf(1, "p", "a").submitted(0));
        trace.missed(1);
        trace.close();
        assertThat(out).hasToString("[]\n");
    }
}
