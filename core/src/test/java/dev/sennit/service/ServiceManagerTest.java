package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.Backoff;
import dev.sennit.TimeSource;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a manager asks of its slots, with processes that the test moves. Nothing here sleeps. */
@Timeout(30)
class ServiceManagerTest {
    private final FakeProcesses processes = new FakeProcesses();
    private final ServiceManager manager = ServiceManager.forTest(
            TimeSource.system(), new Random(1), pid -> 0, (settings, number) -> processes.generation(number, settings));

    ServiceManagerTest() {
        processes.readyAtOnce = true;
        processes.endsWhenAsked = true;
    }

    @AfterEach
    void nothingIsLeft() throws InterruptedException {
        processes.endsWhenAsked = true;
        CompletableFuture<Integer> end = manager.shutdown();
        processes.alive().stream().filter(one -> one.asked != null).forEach(one -> one.end(0));
        end.join();
        assertThat(processes.alive()).isEmpty();
    }

    private static ServiceSettings.Builder service(String name) {
        return ServiceSettings.of(name, me -> {}).heartbeatLimit(Duration.ZERO);
    }

    private void start(ServiceSettings... all) throws IOException {
        for (ServiceSettings one : all) {
            manager.add(one);
        }
        manager.start();
    }

    private List<Integer> ids() {
        return processes.alive().stream().map(one -> one.id).sorted().toList();
    }

    @Test
    void startsAsManyWorkersAsAreWanted() throws Exception {
        start(service("printer").workers(3).build());
        manager.whenUp().get();
        assertThat(manager.isUp()).isTrue();
        assertThat(ids()).containsExactly(0, 1, 2);
        assertThat(manager.status()).extracting(SlotStatus::state).containsOnly(SlotState.READY);
        assertThat(manager.status()).extracting(SlotStatus::id).containsExactly(0, 1, 2);
    }

    @Test
    void scalesDownFromTheHighestAndTouchesNoOther() throws Exception {
        start(service("printer").workers(5).build());
        manager.whenUp().get();
        FakeProcesses.Fake first = processes.alive().stream().filter(one -> one.id == 0).findFirst().orElseThrow();
        manager.scale("printer", 1).get();
        assertThat(processes.alive()).containsExactly(first);
        assertThat(processes.all()).hasSize(5);
        manager.scale("printer", 2).get();
        assertThat(ids()).containsExactly(0, 1);
        assertThat(processes.all()).hasSize(6);
        manager.scale("printer", 0).get();
        assertThat(manager.status()).isEmpty();
        manager.scale("printer", 1).get();
        assertThat(ids()).containsExactly(0);
    }

    @Test
    void reloadsOneByOneAndNewBeforeOld() throws Exception {
        start(service("printer").workers(3).build());
        manager.whenUp().get();
        List<FakeProcesses.Fake> old =
                processes.alive().stream().sorted(Comparator.comparing(one -> one.id)).toList();
        processes.readyAtOnce = false;
        CompletableFuture<Void> reloaded = manager.reload();
        for (int i = 0; i < 3; i++) {
            FakeProcesses.Fake next = awaitStarted(4 + i);
            assertThat(old.get(i).isAlive()).isTrue();
            assertThat(processes.alive()).hasSize(4);
            assertThat(reloaded).isNotDone();
            next.ready();
        }
        reloaded.get();
        assertThat(processes.alive()).hasSize(3).allMatch(one -> one.generation == 2);
        awaitRetired(1);
    }

    private FakeProcesses.Fake awaitStarted(int count) {
        while (processes.all().size() < count) {
            Thread.onSpinWait();
        }
        return processes.all().get(count - 1);
    }

    private void awaitRetired(long generation) {
        while (!processes.retired.contains(generation)) {
            Thread.onSpinWait();
        }
    }

    @Test
    void reloadsAsManyAtOnceAsAreAllowed() throws Exception {
        start(service("printer").workers(5).atOnce(2).build());
        manager.whenUp().get();
        processes.readyAtOnce = false;
        CompletableFuture<Void> reloaded = manager.reload("printer");
        awaitStarted(7);
        assertThat(processes.alive()).hasSize(7);
        processes.readyAtOnce = true;
        processes.all().get(5).ready();
        processes.all().get(6).ready();
        reloaded.get();
        assertThat(ids()).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void aGenerationThatIsGivenUpLeavesTheOldAndTellsWhy() throws Exception {
        start(service("printer").workers(3).build());
        manager.whenUp().get();
        List<FakeProcesses.Fake> old = processes.alive();
        processes.readyAtOnce = false;
        CompletableFuture<Void> reloaded = manager.reload();
        awaitStarted(4).end(1);
        assertThatThrownBy(reloaded::get)
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseMessage("generation 2 of service printer was given up, the former goes on: worker 0 "
                        + "exited with code 1");
        assertThat(processes.alive()).isEqualTo(old);
        awaitRetired(2);
        processes.readyAtOnce = true;
        old.get(1).end(1); // one that dies now is started from the former generation
        assertThat(awaitStarted(5).generation).isEqualTo(1);
        manager.reload().get();
        assertThat(processes.alive()).allMatch(one -> one.generation == 3);
    }

    /** The second worker may not yet know that a generation was given up when the next one comes. */
    @Test
    void theFirstWorkerTriesEachGenerationFirst() throws Exception {
        start(service("printer").workers(2).build());
        manager.whenUp().get();
        processes.obstacle = new IOException("no paper");
        for (int generation = 2; generation < 300; generation++) {
            assertThatThrownBy(manager.reload()::get)
                    .hasRootCauseMessage("generation " + generation + " of service printer was given up, "
                            + "the former goes on: worker 0 cannot be started: no paper");
        }
        processes.obstacle = null;
        manager.reload().get();
    }

    @Test
    void whatComesAfterAServiceThatWasGivenUpIsNotReloaded() throws Exception {
        start(service("database").build(), service("web").after("database").build());
        manager.whenUp().get();
        processes.readyAtOnce = false;
        CompletableFuture<Void> reloaded = manager.reload();
        awaitStarted(3).end(1);
        assertThatThrownBy(reloaded::get).hasRootCauseMessage("generation 2 of service database was given up, "
                + "the former goes on: worker 0 exited with code 1");
        awaitRetired(2);
        assertThat(processes.all()).hasSize(3);
        processes.readyAtOnce = true;
        manager.reload("web").get();
        assertThat(processes.alive()).extracting(one -> one.generation).containsExactly(1L, 3L);
    }

    @Test
    void startsInOrderAndStopsInReverse() throws Exception {
        List<String> order = Collections.synchronizedList(new ArrayList<>());
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                order.add(event.kind() + " " + event.service());
            }
        });
        processes.readyAtOnce = false;
        start(
                service("database").build(),
                service("migration").kind(ServiceKind.ONCE).after("database").build(),
                service("web").after("migration").build());
        FakeProcesses.Fake database = awaitStarted(1);
        assertThat(processes.all()).hasSize(1);
        database.ready();
        FakeProcesses.Fake migration = awaitStarted(2);
        migration.ready();
        assertThat(manager.isUp()).isFalse();
        assertThat(manager.services()).extracting(ServiceStatus::obstacle).containsExactly("", "",
                "waits for migration");
        migration.end(0);
        awaitStarted(3).ready();
        manager.whenUp().get();
        manager.shutdown().get();
        assertThat(order).containsSubsequence(
                "STARTED database", "READY database", "STARTED migration", "DONE migration", "STARTED web",
                "READY web", "STOPPING web", "STOPPED web", "STOPPING database", "STOPPED database");
    }

    /** The orders to those that come after it are under way, for a moment, when the stop looks at it. */
    @RepeatedTest(100)
    void aServiceThatHasFailedIsNotStartedByTheStop() throws Exception {
        processes.readyAtOnce = false;
        start(
                service("migration").kind(ServiceKind.ONCE)
                        .deaths(1, Duration.ofMinutes(1), Escalation.FAIL).build(),
                service("web").after("migration").build(),
                service("proxy").after("web").build());
        awaitStarted(1).end(1);
        while (manager.status().stream().noneMatch(one -> one.state() == SlotState.FAILED)) {
            Thread.onSpinWait();
        }
        assertThat(manager.shutdown().get()).isEqualTo(1);
        assertThat(processes.all()).hasSize(1);
    }

    @Test
    void refusesWhatCannotBe() throws Exception {
        manager.add(service("printer").build());
        manager.add(service("paper").after("printer").build());
        assertThatThrownBy(() -> manager.add(service("printer").build()))
                .hasMessage("there is a service printer already");
        assertThatThrownBy(() -> manager.add(service("ink").after("shop").build()))
                .hasMessage("there is no service shop; there are [printer, paper]");
        assertThatThrownBy(() -> manager.reconfigure(service("printer").after("paper").build()))
                .hasMessage("service printer would come after itself");
        assertThatThrownBy(() -> manager.remove("printer"))
                .hasMessage("service paper comes after printer: remove that first");
        assertThatThrownBy(() -> manager.scale("printer", -1)).hasMessage("workers must be from 0 to 1000, was -1");
        manager.start();
        assertThatThrownBy(manager::start).hasMessage("manager test has been started already");
    }

    @Test
    void removesAService() throws Exception {
        start(service("printer").workers(2).build(), service("paper").build());
        manager.whenUp().get();
        manager.remove("printer").get();
        assertThat(processes.alive()).hasSize(1);
        assertThat(manager.status()).extracting(SlotStatus::service).containsExactly("paper");
        awaitRetired(1);
        manager.add(service("printer").build());
        manager.whenUp().get();
        assertThat(processes.alive()).hasSize(2);
    }

    @Test
    void restartsByHand() throws Exception {
        start(service("printer").workers(3).build());
        manager.whenUp().get();
        List<FakeProcesses.Fake> old = processes.alive();
        manager.restart("printer").get();
        assertThat(processes.alive()).hasSize(3).doesNotContainAnyElementsOf(old);
        assertThat(processes.alive()).allMatch(one -> one.generation == 1);
    }

    @Test
    void reconfiguresSettingsAndNumber() throws Exception {
        start(service("printer").workers(2).build());
        manager.whenUp().get();
        manager.reconfigure(service("printer").workers(4).stopLimit(Duration.ofSeconds(7)).build()).get();
        assertThat(processes.alive()).hasSize(4).allMatch(one -> one.generation == 2);
        List<FakeProcesses.Fake> asked = processes.alive();
        manager.shutdown().get();
        assertThat(asked).allMatch(one -> Duration.ofSeconds(7).equals(one.asked));
    }

    @Test
    void twoBrokenGenerationsLeaveTheOneThatServes() throws Exception {
        start(service("printer").build());
        manager.whenUp().get();
        FakeProcesses.Fake old = processes.last();
        processes.readyAtOnce = false;
        CompletableFuture<Void> second = manager.reload();
        FakeProcesses.Fake broken = awaitStarted(2);
        CompletableFuture<Void> third = manager.reload();
        broken.end(1);
        awaitStarted(3).end(1);
        assertThatThrownBy(third::get).hasMessageContaining("generation 3 of service printer was given up");
        assertThatThrownBy(second::get).hasMessageContaining("was given up");
        awaitRetired(2);
        awaitRetired(3);
        assertThat(processes.retired).doesNotContain(1L);
        processes.readyAtOnce = true;
        old.end(1);
        assertThat(awaitStarted(4).generation).isEqualTo(1);
    }

    @RepeatedTest(100)
    void aRestartWhoseProcessDoesNotGetReadyFails() throws Exception {
        start(service("printer").build());
        manager.whenUp().get();
        processes.readyAtOnce = false;
        CompletableFuture<Void> restarted = manager.restart("printer");
        awaitStarted(2).end(7);
        assertThatThrownBy(restarted::get).hasRootCauseMessage("worker 0 of service printer was not restarted, the "
                + "former process goes on: exited with code 7");
        assertThat(processes.alive()).hasSize(1);
    }

    @Test
    void settingsThatAreGivenUpLeaveTheNumberOfWorkers() throws Exception {
        start(service("printer").workers(2).build());
        manager.whenUp().get();
        processes.readyAtOnce = false;
        CompletableFuture<Void> changed = manager.reconfigure(service("printer").workers(1).build());
        awaitStarted(3).end(1);
        assertThatThrownBy(changed::get).hasMessageContaining("was given up");
        processes.readyAtOnce = true;
        while (processes.alive().size() != 2) {
            Thread.onSpinWait();
        }
        assertThat(processes.alive()).allMatch(one -> one.generation == 1);
    }

    @Test
    void reconfiguresAServiceThatReloadsInPlace() throws Exception {
        start(service("printer").reloadInPlace(true).build());
        manager.whenUp().get();
        manager.reconfigure(service("printer").reloadInPlace(true).stopLimit(Duration.ofSeconds(7)).build()).get();
        assertThat(processes.alive()).hasSize(1).allMatch(one -> one.generation == 2);
    }

    @Test
    void aFutureWhoseCallerHasGivenUpIsForgotten() throws Exception {
        processes.readyAtOnce = false;
        start(service("printer").build());
        for (int i = 0; i < 20_000; i++) {
            manager.whenUp().cancel(false);
            if (i % 1000 == 0) {
                manager.decide(); // or its own thread, at some time
            }
        }
        manager.decide();
        assertThat(manager.goals()).isZero();
        CompletableFuture<Void> up = manager.whenUp();
        awaitStarted(1).ready();
        up.get();
    }

    @Test
    void reloadsInPlace() throws Exception {
        start(service("printer").workers(2).reloadInPlace(true).build());
        manager.whenUp().get();
        manager.reload().get();
        List<FakeProcesses.Fake> workers = processes.alive();
        while (workers.stream().anyMatch(one -> one.reloads < 1)) {
            Thread.onSpinWait();
        }
        assertThat(processes.all()).hasSize(2);
    }

    @Test
    void endsByItselfWhenAllWorkIsDone() throws Exception {
        start(service("a").kind(ServiceKind.ONCE).build(), service("b").kind(ServiceKind.ON_FAILURE).build());
        awaitStarted(2);
        processes.all().forEach(one -> one.end(0));
        assertThat(manager.awaitEnd()).isZero();
    }

    @Test
    void exitsWith1WhenAWorkerWasKilledAtItsStop() throws Exception {
        processes.endsWhenAsked = false;
        start(service("printer").stopLimit(Duration.ofMillis(10)).build());
        manager.whenUp().get();
        assertThat(manager.shutdown().get()).isEqualTo(1);
        assertThat(processes.all().getFirst().killed).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"STOP_SERVICE", "EXIT", "FAIL"})
    void escalates(String how) throws Exception {
        start(
                service("printer").workers(2)
                        .deaths(2, Duration.ofMinutes(1), Escalation.valueOf(how))
                        .backoff(Backoff.none())
                        .build(),
                service("other").build());
        manager.whenUp().get();
        for (int deaths = 0; deaths < 2; deaths++) {
            int before = deaths;
            while (processes.all().stream().filter(one -> one.id == 1).count() <= before) {
                Thread.onSpinWait();
            }
            processes.all().stream().filter(one -> one.id == 1).toList().getLast().end(1);
        }
        if (how.equals("EXIT")) {
            assertThat(manager.awaitEnd()).isEqualTo(1);
            return;
        }
        int left = how.equals("FAIL") ? 2 : 1;
        while (processes.alive().size() != left) {
            Thread.onSpinWait();
        }
        while (manager.status().stream().noneMatch(one -> one.state() == SlotState.FAILED)) {
            Thread.onSpinWait();
        }
        manager.restart("printer").get();
        assertThat(processes.alive()).hasSize(3);
        assertThat(manager.shutdown().get()).isEqualTo(1);
    }

    @Test
    void aListenerThatHangsOrThrowsHarmsNobody() throws Exception {
        var hangs = new CountDownLatch(1);
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                try {
                    hangs.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                throw new IllegalStateException("a mistake of a listener");
            }
        });
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        manager.addListener(new ServiceListener() {
            @Override
            public void event(ServiceEvent event) {
                heard.add(event.kind().toString());
            }

            @Override
            public void reloading(List<String> services) {
                heard.add("reloading " + services);
            }

            @Override
            public void terminating() {
                heard.add("terminating");
            }
        });
        start(service("printer").build());
        manager.whenUp().get();
        manager.reload().get();
        hangs.countDown();
        manager.shutdown().get();
        assertThat(heard).containsSubsequence(
                "STARTED", "READY", "reloading [printer]", "STARTED", "READY", "STOPPING", "STOPPED", "terminating",
                "STOPPING", "STOPPED");
    }

    @Test
    void futuresEndWhenTheManagerDoes() throws Exception {
        processes.readyAtOnce = false;
        start(service("printer").build());
        CompletableFuture<Void> up = manager.whenUp();
        manager.shutdown().get();
        assertThatThrownBy(up::get).hasRootCauseMessage("manager test was shut down");
        assertThatThrownBy(() -> manager.whenUp().get()).hasRootCauseMessage("manager test has ended");
        assertThatThrownBy(() -> manager.add(service("late").build())).hasMessage("manager test is shut down");
    }

    /** Reloads, scales, restarts and deaths at random moments, from several threads: in the end, what was asked for. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void anyStormEndsWithWhatWasAskedFor(long seed) throws Exception {
        start(
                service("a").workers(2).backoff(Backoff.none()).build(),
                service("b").workers(1).after("a").backoff(Backoff.none()).atOnce(2).build());
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            var random = new Random(seed * 31 + t);
            threads.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 100; i++) {
                    String service = random.nextBoolean() ? "a" : "b";
                    switch (random.nextInt(5)) {
                        case 0 -> manager.scale(service, random.nextInt(6));
                        case 1 -> reload(service);
                        case 2 -> manager.restart(service);
                        default -> {
                            List<FakeProcesses.Fake> alive = processes.alive();
                            if (!alive.isEmpty()) {
                                alive.get(random.nextInt(alive.size())).end(1);
                            }
                        }
                    }
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        CompletableFuture<Void> a = manager.scale("a", 3);
        CompletableFuture<Void> b = manager.scale("b", 2);
        CompletableFuture<Void> reloaded = manager.reload();
        CompletableFuture.allOf(a, b, reloaded).get(20, TimeUnit.SECONDS);
        assertThat(ids()).as("seed %d", seed).containsExactly(0, 0, 1, 1, 2);
        assertThat(manager.status()).hasSize(5).allMatch(one -> one.state() == SlotState.READY);
    }

    private void reload(String service) {
        try {
            manager.reload(service);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
