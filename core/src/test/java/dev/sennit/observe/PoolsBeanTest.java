package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.sennit.Pool;
import dev.sennit.Pools;
import dev.sennit.TaskFuture;
import dev.sennit.TaskOptions;
import dev.sennit.TaskProgress;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.observe.PoolsMXBean.PoolNow;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import javax.management.JMX;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a tool sees that has the MBean server create the bean. */
@Timeout(120)
class PoolsBeanTest {
    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private ObjectName name;
    private PoolsMXBean bean;

    @BeforeEach
    void create() throws Exception {
        name = new ObjectName(PoolsMXBean.NAME);
        server.createMBean(PoolsBean.class.getName(), name);
        bean = JMX.newMXBeanProxy(server, name, PoolsMXBean.class);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        server.unregisterMBean(name);
        bean = null;
        assertThat(TaskObserver.Current.get()).isNull();
    }

    @Test
    void openPoolsAreTold() throws Exception {
        try (Pool pool = Pools.open("threads:2?name=told"); Pool unknown = Pools.open("virtual?name=told too")) {
            pool.submit(() -> 1).get();
            unknown.submit(() -> 1).get();
            List<PoolNow> pools = bean.pools().stream().filter(one -> one.name().startsWith("told")).toList();
            assertThat(pools).extracting(PoolNow::name).containsExactly("told", "told too");
            assertThat(pools).extracting(PoolNow::kind).containsExactly("threads", "virtual");
            assertThat(pools).extracting(PoolNow::succeeded).containsExactly(1L, 1L);
            assertThat(pools.getFirst().cpuSeconds()).isNotNull();
            assertThat(pools.getLast().cpuSeconds()).as("is not known of virtual threads").isNull();
        }
        assertThat(bean.pools()).noneMatch(one -> one.name().startsWith("told"));
    }

    @Test
    void figuresAreKeptWhileTheyAreAskedFor() throws Exception {
        assertThatThrownBy(bean::figures).isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("no figures of tasks are kept");
        bean.startFigures(600);
        bean.startFigures(1);
        try (Pool pool = Pools.open("threads:1")) {
            pool.submit(() -> 1, TaskOptions.named("one")).get();
            Predicate<PoolsMXBean.Figures> isThere =
                    seen -> seen.tasks().size() == 1 && seen.tasks().getFirst().succeeded() == 1;
            await().atMost(1, TimeUnit.MINUTES).until(bean::figures, isThere);
            PoolsMXBean.TasksNow one = bean.figures().tasks().getFirst();
            assertThat(one.name()).isEqualTo("one");
            assertThat(one.underWay()).isZero();
            assertThat(one.waited().count()).isEqualTo(1);
            assertThat(one.ran().p99()).isNotNull().isEqualTo(one.ran().p50()).isPositive();
        }
        bean.stopFigures();
        assertThatThrownBy(bean::figures).isInstanceOf(IllegalStateException.class);
        bean.stopFigures();
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:2", "virtual", "virtual:2", "loop"})
    void tasksThatRunAreTold(String plan) throws Exception {
        var heeds = new CountDownLatch(1);
        try (Pool pool = Pools.open(plan + "?name=told");
                AutoCloseable _ = heeds::countDown) { // before the pool is closed, which waits for the task
            var ranOn = new CompletableFuture<Thread>();
            TaskFuture<Integer> stubborn = pool.submit(() -> {
                ranOn.complete(Thread.currentThread());
                Uninterruptibles.await(heeds::await);
                return 1;
            }, TaskOptions.named("stubborn token=abc"));
            Thread thread = ranOn.get();
            stubborn.cancel(true);
            assertThat(bean.running(1000)).filteredOn(one -> one.pool().equals("told")).singleElement()
                    .returns("stubborn token=***", PoolsMXBean.RunningNow::name)
                    .returns(thread.threadId(), PoolsMXBean.RunningNow::thread)
                    .matches(one -> one.seconds() >= 0);
            assertThat(bean.running(0)).isEmpty();
        }
        assertThat(bean.running(1000)).noneMatch(one -> one.pool().equals("told"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads:2", "virtual", "loop"})
    void whatARunningTaskReportsBelongsToItsRun(String plan) throws Exception {
        assertThatThrownBy(() -> bean.progress(1)).isInstanceOf(IllegalStateException.class);
        bean.startFigures(600);
        var heeds = new CountDownLatch(1);
        try (Pool pool = Pools.open(plan + "?name=told");
                AutoCloseable _ = heeds::countDown) { // before the pool is closed, which waits for the task
            TaskFuture<Integer> photo = pool.submit(() -> {
                TaskProgress.report(1, 2, "cat.jpg");
                heeds.await();
                return 1;
            }, TaskOptions.named("photo"));
            PoolsMXBean.ProgressNow told = await().atMost(1, TimeUnit.MINUTES)
                    .until(() -> bean.progress(9), seen -> !seen.isEmpty()).getFirst();
            assertThat(told.name()).isEqualTo("photo");
            assertThat(told.done()).isEqualTo(1);
            assertThat(told.total()).isEqualTo(2);
            assertThat(told.message()).isEqualTo("cat.jpg");
            assertThat(told.remainingSeconds()).isNull();
            assertThat(bean.running(1000)).filteredOn(one -> one.pool().equals("told")).singleElement()
                    .returns(told.task(), PoolsMXBean.RunningNow::task);
            assertThat(told.task()).isPositive();
            heeds.countDown();
            photo.get();
            await().atMost(1, TimeUnit.MINUTES).until(() -> bean.progress(9).isEmpty());
            assertThatThrownBy(() -> bean.progress(-1)).hasMessage("most must be >= 0, was -1");
        }
        bean.stopFigures();
    }

    @Test
    void figuresOfAToolThatHasDiedCostNothing() {
        bean.startFigures(1);
        assertThat(TaskObserver.Current.get()).isNotNull();
        await().atMost(1, TimeUnit.MINUTES).until(() -> TaskObserver.Current.get() == null);
        assertThatThrownBy(bean::figures).isInstanceOf(IllegalStateException.class);
        bean.startFigures(600); // anew
        assertThat(bean.figures().tasks()).isEmpty();
        bean.stopFigures();
    }

    @Test
    void eventsAreReadAsLines() throws Exception {
        long stream = bean.openEvents(600);
        long other = bean.openEvents(600);
        try (Pool pool = Pools.open("threads:1?name=lines")) {
            for (int i = 0; i < 4; i++) {
                pool.submit(() -> 1).get();
            }
        }
        List<String> lines = new ArrayList<>();
        for (String[] read = bean.readEvents(stream, 5); read.length > 0; read = bean.readEvents(stream, 5)) {
            assertThat(read).hasSizeLessThanOrEqualTo(5);
            lines.addAll(Arrays.asList(read));
        }
        assertThat(lines).as("of the pool, its worker and four tasks").hasSize(16)
                .allMatch(line -> line.contains("\"pool\":\"lines\""));
        assertThat(bean.readEvents(other, EventStreams.MOST_EVENTS)).containsExactlyElementsOf(lines);
        bean.closeEvents(stream);
        bean.closeEvents(stream);
        assertThatThrownBy(() -> bean.readEvents(stream, 1)).isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("no stream of events " + stream + " is open");
        assertThat(bean.readEvents(other, 1)).isEmpty();
        bean.closeEvents(other);
    }

    @Test
    void lostEventsAreTold() throws Exception {
        long stream = bean.openEvents(600);
        try (Pool pool = Pools.open("inline")) {
            for (int i = 0; i < Recorder.CAPACITY / 3 + 5; i++) {
                pool.submit(() -> 1).get();
            }
        }
        assertThat(bean.readEvents(stream, 10)).hasSize(10).contains("{\"kind\":\"MISSED\",\"count\":16}");
        bean.closeEvents(stream);
    }

    @Test
    void aStreamThatNobodyReadsIsClosed() {
        long stream = bean.openEvents(1);
        assertThat(TaskObserver.Current.get()).isNotNull();
        await().atMost(1, TimeUnit.MINUTES).until(() -> TaskObserver.Current.get() == null);
        assertThatThrownBy(() -> bean.readEvents(stream, 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void streamsAndArgumentsAreBounded() {
        List<Long> streams = new ArrayList<>();
        for (int i = 0; i < EventStreams.MOST_STREAMS; i++) {
            streams.add(bean.openEvents(600));
        }
        assertThatThrownBy(() -> bean.openEvents(600)).isInstanceOf(IllegalStateException.class)
                .hasMessage("streams of events must be <= 8, and so many are open");
        bean.closeEvents(streams.removeFirst());
        streams.add(bean.openEvents(600));
        streams.forEach(bean::closeEvents);
        assertThatThrownBy(() -> bean.openEvents(0)).hasMessage("leaseSeconds must be >= 1 and <= 3600, was 0");
        assertThatThrownBy(() -> bean.openEvents(3601)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> bean.startFigures(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> bean.readEvents(1, 0)).hasMessage("most must be >= 1 and <= 10000, was 0");
        assertThatThrownBy(() -> bean.readEvents(1, 10_001)).isInstanceOf(IllegalArgumentException.class);
    }
}
