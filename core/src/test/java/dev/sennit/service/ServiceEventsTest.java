package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Backoff;
import dev.sennit.TimeSource;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.observe.JsonLines;
import dev.sennit.observe.TaskEvent;
import dev.sennit.observe.TaskEvent.Kind;
import dev.sennit.observe.TaskEvents;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the one stream of events tells of services, with processes that the test moves. */
@Timeout(30)
class ServiceEventsTest {
    private final FakeProcesses processes = new FakeProcesses();
    private final ServiceManager manager = newManager();

    private ServiceManager newManager() {
        return ServiceManager.forTest(
                TimeSource.system(), new Random(1), pid -> 0,
                (settings, number) -> processes.generation(number, settings));
    }

    private static ServiceSettings.Builder service() {
        return ServiceSettings.of("printer", me -> {}).heartbeatLimit(Duration.ZERO).backoff(Backoff.none());
    }

    private void start(ServiceSettings settings) throws IOException {
        manager.add(settings);
        manager.start();
    }

    /** Reads events until one that matches has come. */
    private static List<TaskEvent> until(TaskEvents events, Predicate<TaskEvent> isLast) throws InterruptedException {
        List<TaskEvent> all = new ArrayList<>();
        do {
            all.add(events.next(Duration.ofSeconds(20)).orElseThrow(() -> new AssertionError(all)));
        } while (!isLast.test(all.getLast()));
        return all;
    }

    private static List<TaskEvent> until(TaskEvents events, Kind last) throws InterruptedException {
        return until(events, event -> event.kind() == last);
    }

    private static List<Kind> kinds(List<TaskEvent> events) {
        return events.stream().map(TaskEvent::kind).toList();
    }

    @Test
    void aLifeIsToldFromTheManagersBeginToItsEnd() throws Exception {
        processes.endsWhenAsked = true;
        try (TaskEvents events = TaskEvents.open()) {
            start(service().build());
            List<TaskEvent> told = until(events, Kind.SERVICE_STARTED);
            processes.last().ready();
            told.addAll(until(events, Kind.SERVICE_READY));
            manager.shutdown().get();
            told.addAll(events.drain()); // the end is told before the future is done
            assertThat(kinds(told)).containsExactly(
                    Kind.MANAGER_STARTED, Kind.SERVICE_STARTED, Kind.SERVICE_READY, Kind.SERVICE_STOPPING,
                    Kind.SERVICE_STOPPED, Kind.MANAGER_ENDED);
            assertThat(told).extracting(TaskEvent::pool)
                    .containsExactly("test", "printer", "printer", "printer", "printer", "test");
            assertThat(told).extracting(TaskEvent::worker).startsWith(Optional.empty())
                    .endsWith(Optional.empty()).contains(Optional.of("printer worker(0) (pid 101)"));
            assertThat(told.get(3).failure()).contains("is not wanted any more");
            assertThat(told.get(4).failure()).contains("exited with code 0");
            assertThat(told).allSatisfy(event -> {
                assertThat(event.kind().isOfTask()).isFalse();
                assertThat(event.kind().isEnd()).isFalse();
                assertThat(event.task()).isZero();
                assertThat(event.name()).isEmpty();
                assertThat(event.ran()).isEmpty();
                assertThat(event.waited()).isEmpty();
                assertIsReadBack(event);
            });
        }
    }

    private static void assertIsReadBack(TaskEvent event) throws Exception {
        var line = new StringBuilder();
        new JsonLines(line).event(event);
        List<TaskEvent> read = new ArrayList<>();
        JsonLines.replay(line.toString().stripTrailing(), read::add);
        assertThat(read).containsExactly(event);
    }

    @Test
    void deathsAndWhatFollowsThemAreToldWithTheirCauses() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            start(service().deaths(3, Duration.ofMinutes(1), Escalation.FAIL).build());
            until(events, Kind.SERVICE_STARTED);
            processes.last().end(3);
            List<TaskEvent> told = until(events, Kind.SERVICE_STARTED);
            assertThat(kinds(told)).containsExactly(Kind.SERVICE_DIED, Kind.SERVICE_STARTED);
            assertThat(told.getFirst().failure()).contains("exited with code 3");
            processes.obstacle = new IOException("no password=abc");
            processes.last().end(4);
            told = until(events, Kind.MANAGER_ENDED); // no service is left
            assertThat(kinds(told)).containsExactly(
                    Kind.SERVICE_DIED, Kind.SERVICE_DIED, Kind.SERVICE_FAILED, Kind.MANAGER_ENDED);
            TaskEvent notStarted = told.get(1);
            assertThat(notStarted.worker()).contains("printer worker(0)");
            assertThat(notStarted.failure()).contains("cannot be started: no password=***");
            assertThat(told.get(2).failure()).get().asString().startsWith("3 processes died within ");
        }
    }

    @Test
    void aReloadIsToldAndASuccessorThatIsGivenUp() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            start(service().build());
            until(events, Kind.SERVICE_STARTED);
            processes.last().ready();
            manager.whenUp().get();
            until(events, Kind.SERVICE_READY);
            manager.reload();
            until(events, event -> event.kind() == Kind.SERVICE_STARTED || event.kind() == Kind.SERVICE_RELOADING);
            until(events, event -> event.kind() == Kind.SERVICE_STARTED || event.kind() == Kind.SERVICE_RELOADING);
            processes.last().end(5);
            TaskEvent givenUp = until(events, Kind.SERVICE_GIVEN_UP).getLast();
            assertThat(givenUp.worker()).contains("printer worker(0) (pid 102)");
            manager.shutdownNow().get();
            assertThat(kinds(events.drain())).containsSubsequence(
                    Kind.SERVICE_STOPPING, Kind.SERVICE_KILLED, Kind.MANAGER_ENDED);
        }
    }

    @Test
    void workThatIsDoneIsTold() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            start(service().kind(ServiceKind.ONCE).build());
            until(events, Kind.SERVICE_STARTED);
            processes.last().ready();
            processes.last().end(0);
            assertThat(kinds(until(events, Kind.MANAGER_ENDED))).endsWith(Kind.SERVICE_DONE, Kind.MANAGER_ENDED);
        }
    }

    @Test
    void aManagerThatWasNeverStartedIsNotToldOf() throws Exception {
        try (TaskEvents events = TaskEvents.open()) {
            manager.add(service().build());
            manager.shutdown().get();
            assertThat(events.drain()).isEmpty();
        }
    }

    /** Each kind of a service's event has its kind in the stream, and no other is told of a service. */
    @Test
    void theKindsAreThoseOfServices() {
        assertThat(Arrays.stream(Kind.values()).map(Kind::name).filter(kind -> kind.startsWith("SERVICE_")))
                .containsExactlyElementsOf(Stream.concat(
                        Arrays.stream(ServiceEvent.Kind.values()).map(Enum::name), Stream.of("RELOADING"))
                        .map(kind -> "SERVICE_" + kind).toList());
    }

    /** An observer that asks the manager would wait for ever if the manager held its lock in another thread. */
    @Test
    void theManagersLockIsFreeWhenAnObserverIsTold() throws Exception {
        processes.readyAtOnce = true;
        processes.endsWhenAsked = true;
        var told = new AtomicInteger();
        var failed = new AtomicInteger();
        var asks = (TaskObserver) Proxy.newProxyInstance(
                TaskObserver.class.getClassLoader(), new Class<?>[] {TaskObserver.class},
                (_, step, _) -> {
                    if (step.getName().equals("service")) {
                        told.incrementAndGet();
                        Thread other = Thread.startVirtualThread(manager::status);
                        if (!other.join(Duration.ofSeconds(5))) {
                            failed.incrementAndGet();
                        }
                    }
                    return null;
                });
        TaskObserver.Current.set(asks);
        try {
            start(service().build());
            manager.whenUp().get();
            manager.reload().get();
            manager.shutdown().get();
        } finally {
            TaskObserver.Current.set(null);
        }
        assertThat(told.get()).isGreaterThan(8);
        assertThat(failed.get()).isZero();
    }
}
