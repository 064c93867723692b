package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.TimeSource;
import dev.sennit.internal.Uninterruptibles;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A manager that gets all its services anew, and one that kills; with processes that the test moves. */
@Timeout(30)
class ManagerChangesTest {
    private final FakeProcesses processes = new FakeProcesses();
    private final AtomicBoolean cannotCopy = new AtomicBoolean();
    /** What others do while a class path is being copied; once. */
    private final AtomicReference<@Nullable Runnable> meanwhile = new AtomicReference<>();
    private final ServiceManager manager = ServiceManager.forTest(
            TimeSource.system(), new Random(1), pid -> 0, (settings, number) -> {
                if (cannotCopy.get()) {
                    throw new IOException("no room");
                }
                Runnable other = meanwhile.getAndSet(null);
                if (other != null) {
                    other.run();
                }
                return processes.generation(number, settings);
            });

    ManagerChangesTest() {
        processes.readyAtOnce = true;
        processes.endsWhenAsked = true;
    }

    @AfterEach
    void nothingIsLeft() {
        manager.shutdownNow().join();
        assertThat(processes.alive()).isEmpty();
    }

    private static ServiceSettings.Builder service(String name) {
        return ServiceSettings.of(name, me -> {}).heartbeatLimit(Duration.ZERO);
    }

    private static ServiceSettings one(String name, int workers) {
        return service(name).workers(workers).build();
    }

    private void become(ServiceSettings... all) throws Exception {
        manager.reconfigure(List.of(all)).get();
    }

    private List<String> workers() {
        return manager.status().stream().map(one -> one.service() + one.id() + "/" + one.generation()).toList();
    }

    @Test
    void addsChangesAndRemovesInOneStep() throws Exception {
        manager.start();
        become(one("a", 1), one("b", 2));
        assertThat(workers()).containsExactly("a0/1", "b0/1", "b1/1");
        become(service("c").after("b").build(), one("b", 1));
        assertThat(workers()).containsExactly("b0/2", "c0/1");
        assertThat(manager.services()).extracting(ServiceStatus::name).containsExactly("b", "c");
        become();
        assertThat(workers()).isEmpty();
        become(one("a", 1));
        assertThat(workers()).containsExactly("a0/1");
    }

    @Test
    void waitsUntilTheWorkersAboveTheNewNumberHaveEnded() throws Exception {
        manager.start();
        become(one("a", 2));
        processes.endsWhenAsked = false;
        CompletableFuture<Void> fewer = manager.reconfigure(List.of(one("a", 1)));
        awaitAsked(0, 1).end(0);
        FakeProcesses.Fake superfluous = awaitAsked(1, 1);
        awaitUp();
        assertThat(fewer).isNotDone();
        superfluous.end(0);
        fewer.get();
        assertThat(workers()).containsExactly("a0/2");

        CompletableFuture<Void> none = manager.reconfigure(one("a", 0));
        FakeProcesses.Fake last = awaitAsked(0, 2);
        awaitUp();
        assertThat(none).isNotDone();
        last.end(0);
        none.get();
        assertThat(workers()).isEmpty();
    }

    private FakeProcesses.Fake awaitAsked(int id, long generation) {
        while (true) {
            for (FakeProcesses.Fake one : processes.alive()) {
                if (one.id == id && one.generation == generation && one.asked != null) {
                    return one;
                }
            }
            Thread.onSpinWait();
        }
    }

    /** Waits until the service is up, and the manager has decided by that. */
    private void awaitUp() throws Exception {
        while (!manager.services().stream().allMatch(one -> one.isUp() && !one.isReloading())) {
            Thread.onSpinWait();
        }
        for (int i = 0; i < 3; i++) {
            manager.whenAlive().get();
        }
    }

    /** Whoever scaled it did so for a reason that is not in the settings. */
    @Test
    void keepsTheCountUnlessTheSettingsChangeIt() throws Exception {
        manager.start();
        become(one("a", 2));
        manager.scale("a", 4).get();
        become(one("a", 2));
        assertThat(workers()).containsExactly("a0/2", "a1/2", "a2/2", "a3/2");
        become(one("a", 3));
        assertThat(workers()).containsExactly("a0/3", "a1/3", "a2/3");
    }

    @Test
    void reloadsInPlaceWhatHasTheSameSettings() throws Exception {
        manager.start();
        ServiceSettings same = service("a").reloadInPlace(true).build();
        become(same, one("b", 1));
        become(same, one("b", 1));
        assertThat(workers()).containsExactly("a0/1", "b0/2");
        FakeProcesses.Fake inPlace = processes.all().stream().filter(one -> one.reloads > 0).findFirst().orElseThrow();
        assertThat(inPlace.reloads).isEqualTo(1);
        become(service("a").reloadInPlace(true).build(), one("b", 1));
        assertThat(workers()).containsExactly("a0/2", "b0/3");
    }

    /** One by one they would make a circle. */
    @Test
    void servicesMayChangeTheirOrder() throws Exception {
        manager.start();
        become(one("a", 1), service("b").after("a").build());
        become(service("a").after("b").build(), one("b", 1));
        assertThat(workers()).containsExactly("a0/2", "b0/2");
    }

    @Test
    void refusesWhatCannotBeAndChangesNothing() throws Exception {
        manager.start();
        become(one("a", 1));
        assertThatThrownBy(() -> become(one("b", 1), one("b", 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there are two services b");
        assertThatThrownBy(() -> become(service("b").after("a").build()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("service b comes after a, which is not among them");
        assertThatThrownBy(() -> become(service("a").after("b").build(), service("b").after("a").build()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("would come after itself");
        cannotCopy.set(true);
        assertThatThrownBy(() -> become(one("a", 2), one("b", 1))).isInstanceOf(IOException.class)
                .hasMessage("no room");
        cannotCopy.set(false);
        assertThat(workers()).containsExactly("a0/1");
        manager.reload("a").get();
        assertThat(manager.services()).hasSize(1).allMatch(ServiceStatus::isUp);
    }

    @Test
    void aServiceThatIsBeingRemovedCannotBeAdded() throws Exception {
        manager.start();
        become(one("a", 1));
        processes.endsWhenAsked = false;
        CompletableFuture<Void> gone = manager.reconfigure(List.of());
        assertThatThrownBy(() -> become(one("a", 1))).isInstanceOf(IllegalStateException.class)
                .hasMessage("service a is being removed: wait until its workers have ended");
        FakeProcesses.Fake last = processes.last();
        while (last.asked == null) { // else it would end as one that dies, and another would be started
            Thread.onSpinWait();
        }
        last.end(0);
        gone.get();
        processes.endsWhenAsked = true;
        become(one("a", 1));
    }

    @Test
    void whatIsGivenUpIsTold() throws Exception {
        manager.start();
        become(one("a", 1), one("b", 1));
        processes.readyAtOnce = false;
        CompletableFuture<Void> done = manager.reconfigure(List.of(one("a", 1), one("b", 1)));
        while (processes.alive().size() < 4) { // a successor of each
            Thread.onSpinWait();
        }
        processes.alive().stream().filter(one -> one.generation == 2).forEach(one -> one.end(1));
        assertThatThrownBy(done::get).isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(ServiceException.class).hasMessageContaining("given up");
        assertThat(workers()).containsExactly("a0/1", "b0/1");
        processes.readyAtOnce = true;
    }

    @Test
    void killsWorkersThatDoNotStop() throws Exception {
        manager.start();
        become(one("a", 2), service("b").after("a").build());
        processes.endsWhenAsked = false;
        CompletableFuture<Integer> end = manager.shutdown();
        assertThat(manager.isStopping()).isTrue();
        FakeProcesses.Fake last = processes.alive().stream().max(Comparator.comparing(Run::pid)).orElseThrow();
        while (last.asked == null) { // b stops before a
            Thread.onSpinWait();
        }
        assertThat(end).isNotDone();
        manager.shutdownNow();
        while (!processes.alive().stream().allMatch(one -> one.killed)) {
            Thread.onSpinWait();
        }
        processes.alive().forEach(one -> one.end(137));
        assertThat(end.get()).isEqualTo(1);
    }

    @Test
    void theManagersThreadProvesItsLife() throws Exception {
        CompletableFuture<Void> early = manager.whenAlive();
        assertThat(early).isNotDone();
        manager.start();
        early.get();
        manager.whenAlive().get();
        manager.shutdown().get();
        assertThat(manager.whenAlive()).isCompletedExceptionally();
    }

    @Test
    void aServiceTellsHowItIs() throws Exception {
        manager.start();
        processes.readyAtOnce = false;
        manager.add(one("a", 2));
        while (processes.alive().size() < 2) {
            Thread.onSpinWait();
        }
        assertThat(manager.services()).containsExactly(new ServiceStatus("a", 2, 0, 1, false, false, ""));
        processes.alive().forEach(FakeProcesses.Fake::ready);
        manager.whenUp().get();
        assertThat(manager.services()).containsExactly(new ServiceStatus("a", 2, 2, 1, false, true, ""));
    }

    /** Each alone is in order; both would make a circle, and a shutdown could not begin anywhere. */
    @Test
    void changesAtTheSameTimeMakeNoCircle() throws Exception {
        manager.start();
        become(one("a", 1), one("b", 1));
        meanwhile.set(() -> {
            try {
                manager.reconfigure(service("a").after("b").build()).get();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        assertThatThrownBy(() -> become(one("a", 1), service("b").after("a").build()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("services were changed at the same time: try again");
        assertThat(manager.shutdown().get(20, TimeUnit.SECONDS)).isZero();
    }

    @Test
    void aServiceThatWasRemovedAndAddedMeanwhileIsReloadedByTheNext() throws Exception {
        manager.start();
        become(one("a", 1));
        for (int i = 0; i < 3; i++) {
            manager.reload("a").get();
        }
        meanwhile.set(() -> {
            manager.remove("a").join();
            try {
                manager.add(one("a", 1));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        become(one("a", 1));
        long before = manager.services().getFirst().generation();
        manager.reload("a").get();
        assertThat(manager.services().getFirst().generation()).isGreaterThan(before);
    }

    /** A service that comes after one that was given up is not changed, its number of workers neither. */
    @Test
    void whatIsNotReachedKeepsItsCount() throws Exception {
        manager.start();
        become(one("a", 1), service("b").after("a").workers(1).build());
        processes.readyAtOnce = false;
        CompletableFuture<Void> done =
                manager.reconfigure(List.of(one("a", 1), service("b").after("a").workers(3).build()));
        FakeProcesses.Fake next = awaitGeneration(2);
        next.end(1);
        assertThatThrownBy(done::get).hasCauseInstanceOf(ServiceException.class);
        processes.readyAtOnce = true;
        manager.whenUp().get();
        while (workers().size() > 2) { // more were wanted until the generation was given up
            Thread.onSpinWait();
        }
        assertThat(workers()).containsExactly("a0/1", "b0/1");
    }

    /** The third generation waits for its turn while the second is on trial, and given up. */
    @Test
    void aTrialThatIsGivenUpTakesNoLaterCountWithIt() throws Exception {
        manager.start();
        become(one("a", 1), service("b").after("a").workers(1).build());
        processes.readyAtOnce = false;
        CompletableFuture<Void> second = manager.reconfigure(service("b").workers(2).build());
        FakeProcesses.Fake trial = awaitFirstOf(2, null);
        CompletableFuture<Void> ofA = manager.reload("a");
        FakeProcesses.Fake nextA = awaitFirstOf(2, trial);
        CompletableFuture<Void> third = manager.reconfigure(service("b").after("a").workers(3).build());
        trial.end(1);
        assertThatThrownBy(second::get).hasCauseInstanceOf(ServiceException.class);
        processes.readyAtOnce = true;
        assertThat(nextA.isAlive()).isTrue();
        processes.alive().forEach(FakeProcesses.Fake::ready);
        ofA.get();
        third.get();
        assertThat(workers()).containsExactly("a0/2", "b0/3", "b1/3", "b2/3");
    }

    /** Of worker 0 of either service. */
    private FakeProcesses.Fake awaitFirstOf(long generation, FakeProcesses.@Nullable Fake other) {
        while (true) {
            for (FakeProcesses.Fake one : processes.alive()) {
                if (one.generation == generation && one != other && one.id == 0) {
                    return one;
                }
            }
            Thread.onSpinWait();
        }
    }

    /** A reload that began with the settings before would undo them. */
    @Test
    void aReloadUndoesNoSettingsThatCameMeanwhile() throws Exception {
        manager.start();
        become(one("a", 1));
        ServiceSettings other = service("a").workers(2).build();
        var changing = new FutureTask<>(() -> manager.reconfigure(other));
        CountDownLatch numbered = new CountDownLatch(1);
        CountDownLatch goesOn = new CountDownLatch(1);
        meanwhile.set(() -> {
            numbered.countDown();
            Uninterruptibles.await(goesOn::await);
        });
        Thread thread = Thread.ofPlatform().start(changing);
        numbered.await();
        meanwhile.set(() -> {
            goesOn.countDown();
            Uninterruptibles.await(thread::join);
        });
        assertThatThrownBy(() -> manager.reload("a")).isInstanceOf(IllegalStateException.class)
                .hasMessage("service a was changed at the same time: try again");
        changing.get().get();
        assertThat(workers()).containsExactly("a0/2", "a1/2");
    }

    @Test
    void proofsOfLifeNeedNoPlaceAmongChanges() throws Exception {
        manager.add(one("a", 1));
        CompletableFuture<Void> last = manager.whenUp();
        while (!last.isDone()) {
            last = manager.whenUp();
        }
        assertThat(last).isCompletedExceptionally();
        CompletableFuture<Void> proof = manager.whenAlive();
        assertThat(proof).isNotDone();
        manager.start();
        proof.get();
    }

    private FakeProcesses.Fake awaitGeneration(long generation) {
        while (true) {
            for (FakeProcesses.Fake one : processes.alive()) {
                if (one.generation == generation) {
                    return one;
                }
            }
            Thread.onSpinWait();
        }
    }
}
