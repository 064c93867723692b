package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sennit.PeriodicTask;
import dev.sennit.PeriodicWorker;
import dev.sennit.Pools;
import dev.sennit.Schedule;
import dev.sennit.observe.PeriodicWorkersMXBean.TaskNow;
import dev.sennit.observe.PeriodicWorkersMXBean.WorkerNow;
import dev.sennit.testing.VirtualClock;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.management.JMX;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a tool sees that has the MBean server create the bean. */
@Timeout(120)
class PeriodicWorkersBeanTest {
    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final VirtualClock clock = VirtualClock.standing(Instant.parse("2026-01-01T00:00:00Z"));
    private ObjectName name;
    private PeriodicWorkersMXBean bean;

    @BeforeEach
    void create() throws Exception {
        name = new ObjectName(PeriodicWorkersMXBean.NAME);
        server.createMBean(PeriodicWorkersBean.class.getName(), name);
        bean = JMX.newMXBeanProxy(server, name, PeriodicWorkersMXBean.class);
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        server.unregisterMBean(name);
    }

    private List<WorkerNow> named(String wanted) {
        return bean.workers().stream().filter(one -> one.name().equals(wanted)).toList();
    }

    @Test
    void openWorkersAndTheirTasksAreTold() {
        try (var pool = Pools.open("inline")) {
            PeriodicWorker worker = PeriodicWorker.builder().name("night").pool(pool).time(clock)
                    .onFailure((task, failure) -> {}).open();
            worker.add("tidy", Schedule.fixedRate(Duration.ofSeconds(10)).immediately(),
                    () -> clock.advance(Duration.ofMillis(1500)));
            PeriodicTask fetch = worker.add("fetch token=abc", timing -> Schedule.Due.in(Duration.ofSeconds(2)), () -> {
                throw new IllegalStateException("refused: token=abc");
            });
            assertThat(named("night")).singleElement().satisfies(one -> {
                assertThat(one.isRunning()).isFalse();
                assertThat(one.tasks()).containsExactly(
                        new TaskNow("tidy", "every 10 s, first at once", 0, 0, 0, 0, null, null, null, false, true,
                                null),
                        new TaskNow(
                                "fetch token=***", PeriodicWorkersBeanTest.class.getName() + "::lambda", 0, 0, 0, 0,
                                null, null, null, false, true, null));
            });
            worker.begin();
            worker.step();
            assertThat(named("night").getFirst().tasks().getFirst()).isEqualTo(new TaskNow(
                    "tidy", "every 10 s, first at once", 1, 1, 0, 0, 1.5, 0.0, null, false, true, 8.5));
            clock.advance(Duration.ofMillis(750));
            worker.step();
            fetch.disable();
            WorkerNow seen = named("night").getFirst();
            assertThat(seen.isRunning()).isTrue();
            assertThat(seen.tasks().getLast()).isEqualTo(new TaskNow(
                    "fetch token=***", PeriodicWorkersBeanTest.class.getName() + "::lambda", 1, 0, 1, 0, 0.0, 0.25,
                    "java.lang.IllegalStateException: refused: token=***", false, false, null));
            worker.close();
            assertThat(named("night")).isEmpty();
        }
    }

    @Test
    void schedulesHaveTexts() {
        Duration minute = Duration.ofMinutes(1);
        assertThat(Schedule.afterStart(minute)).hasToString("60 s after the start");
        assertThat(Schedule.afterEnd(minute)).hasToString("60 s after the end");
        assertThat(Schedule.fixedRate(minute)).hasToString("every 60 s");
        assertThat(Schedule.aligned(minute).jitter(0.1)).hasToString("at each full 60 s, up to 10 % later");
        Schedule own = timing -> Schedule.Due.in(minute);
        assertThat(own.immediately())
                .hasToString(PeriodicWorkersBeanTest.class.getName() + "::lambda, first at once");
    }

    /** A schedule whose text fails. */
    private static final class Mute implements Schedule {
        @Override
        public Due next(Timing timing) {
            return Due.in(Duration.ofSeconds(1));
        }

        @Override
        public String toString() {
            throw new IllegalStateException("no text");
        }
    }

    @Test
    void aScheduleThatFailsHarmsNoTool() {
        try (PeriodicWorker worker = PeriodicWorker.builder().name("mute").open()) {
            worker.add("one", new Mute(), () -> {});
            worker.add("two", new Mute().immediately(), () -> {});
            assertThat(named("mute").getFirst().tasks()).extracting(TaskNow::schedule).containsExactly(
                    Mute.class.getName(), "dev.sennit.TextSchedule");
        }
    }

    @Test
    void aForgottenWorkerIsNotKept() {
        for (int i = 0; i < 3; i++) {
            PeriodicWorker.builder().name("forgotten").open();
        }
        await().atMost(1, TimeUnit.MINUTES).until(() -> {
            System.gc();
            return named("forgotten").isEmpty();
        });
    }
}
