package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class ActorTest {
    private sealed interface Command {}

    private record Add(long amount) implements Command {}

    private record Total(CompletableFuture<Long> reply) implements Command {}

    private record Fail(Throwable failure) implements Command {}

    private record Ask(CompletableFuture<Long> reply, Throwable failure) implements Command {}

    /** Says that it was begun, and waits. */
    private record Hold(CountDownLatch begun, CountDownLatch release) implements Command {
        Hold() {
            this(new CountDownLatch(1), new CountDownLatch(1));
        }
    }

    /** Has no lock. */
    private static final class Sum implements Actor.Handler<Command> {
        private long sum;

        @Override
        public void handle(Command command) throws Exception {
            switch (command) {
                case Add add -> sum += add.amount;
                case Total total -> total.reply.complete(sum);
                case Fail fail -> thrown(fail.failure);
                case Ask ask -> thrown(ask.failure);
                case Hold hold -> {
                    hold.begun.countDown();
                    hold.release.await();
                }
            }
        }

        private static void thrown(Throwable failure) throws Exception {
            if (failure instanceof Error error) {
                throw error;
            }
            throw (Exception) failure;
        }
    }

    private final List<Throwable> uncaught = new CopyOnWriteArrayList<>();
    private final ThreadFactory threads =
            Thread.ofVirtual().uncaughtExceptionHandler((thread, failure) -> uncaught.add(failure)).factory();

    private Actor.Builder<Command> sum() {
        return Actor.<Command>builder(new Sum()).name("sum").threads(threads);
    }

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private static Throwable failure(CompletableFuture<?> future) throws Exception {
        try {
            return new AssertionError("should fail, was " + future.get(30, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (CancellationException e) {
            return e;
        }
    }

    // ---- messages ----

    @ParameterizedTest
    @EnumSource
    void handlesOneMessageAfterTheOther(Kind kind) throws Exception {
        List<Caller<Boolean>> callers = new ArrayList<>();
        try (Actor<Command> actor = Actor.builder(new Sum()).mailbox(3).threads(kind.threads).start()) {
            for (int t = 0; t < 6; t++) {
                callers.add(Caller.on(Kind.values()[t % 3].threads, () -> {
                    for (int i = 0; i < 1_000; i++) {
                        actor.tell(new Add(1));
                    }
                    return true;
                }));
            }
            for (Caller<Boolean> caller : callers) {
                caller.result();
            }
            assertThat(actor.ask(Total::new).get()).isEqualTo(6_000);
        }
    }

    @Test
    void keepsTheOrderOfASender() throws Exception {
        List<Integer> seen = new ArrayList<>();
        try (Actor<Integer> actor = Actor.start(seen::add)) {
            for (int i = 0; i < 2_000; i++) {
                actor.tell(i);
            }
        }
        assertThat(seen).hasSize(2_000).isSorted();
    }

    @ParameterizedTest
    @EnumSource
    void whoSendsTooFastWaits(Kind kind) throws Exception {
        var hold = new Hold();
        try (Actor<Command> actor = sum().mailbox(1).start()) {
            actor.tell(hold);
            hold.begun.await();
            assertThat(actor.tryTell(new Add(1))).isTrue();
            assertThat(actor.tryTell(new Add(2))).isFalse();
            assertThat(actor).hasToString("Actor[sum, open, 1 of 1 messages]");
            Caller<Boolean> teller = Caller.on(kind.threads, () -> {
                actor.tell(new Add(4));
                return true;
            });
            teller.awaitWaitingIn("tell");
            Caller<Boolean> interrupted = Caller.on(kind.threads, () -> {
                actor.tell(new Add(8));
                return true;
            });
            interrupted.awaitWaitingIn("tell");
            interrupted.interrupt();
            assertThat(interrupted.failure()).isInstanceOf(InterruptedException.class);
            hold.release.countDown();
            teller.result();
            assertThat(actor.ask(Total::new).get()).isEqualTo(5);
        }
    }

    @Test
    void anActorDoesNotWaitForItself() throws Exception {
        var told = new CompletableFuture<Actor<Integer>>();
        try (Actor<Integer> actor = Actor.<Integer>builder(message -> {
            if (message == 0) {
                told.get().tell(1);
                told.get().tell(2);
            }
        }).name("self").mailbox(1).threads(threads).start()) {
            told.complete(actor);
            actor.tell(0);
            assertThat(failure(actor.ended()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("mailbox of self is full, and only self itself, which sends, could empty it");
        }
    }

    @Test
    void anActorMayCloseAndStopItself() throws Exception {
        for (boolean stop : new boolean[] {false, true}) {
            var self = new CompletableFuture<Actor<Integer>>();
            List<Integer> seen = new ArrayList<>();
            Actor<Integer> actor = Actor.start(message -> {
                seen.add(message);
                if (stop) {
                    self.get().stop();
                } else {
                    self.get().close();
                }
            });
            actor.tell(1);
            actor.tell(2);
            self.complete(actor);
            actor.close();
            assertThat(seen).isEqualTo(stop ? List.of(1) : List.of(1, 2));
        }
    }

    @Test
    void aReplyMayComeLater() throws Exception {
        List<CompletableFuture<Long>> waiting = new ArrayList<>();
        try (Actor<Command> actor = Actor.start(message -> {
            switch (message) {
                case Total total -> waiting.add(total.reply);
                default -> waiting.forEach(reply -> reply.complete(7L));
            }
        })) {
            CompletableFuture<Long> reply = actor.ask(Total::new);
            assertThat(reply).isNotDone();
            actor.tell(new Add(1));
            assertThat(reply.get()).isEqualTo(7);
        }
    }

    @Test
    void aQuestionThatWasTakenBackIsNotHandled() throws Exception {
        var hold = new Hold();
        try (Actor<Command> actor = sum().start()) {
            actor.tell(hold);
            var asked = actor.<Long>ask(reply -> new Ask(reply, new IOException("handled")));
            asked.cancel(false);
            hold.release.countDown();
            assertThat(actor.ask(Total::new).get()).as("it was not stopped by the failure").isZero();
        }
        assertThat(uncaught).isEmpty();
    }

    @Test
    void refusesWhatMakesNoSense() {
        assertThatThrownBy(() -> Actor.builder(null)).isInstanceOf(NullPointerException.class).hasMessage("handler");
        assertThatThrownBy(() -> sum().name(" ")).hasMessage("name must not be blank");
        assertThatThrownBy(() -> sum().mailbox(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("mailbox must be >= 0, was -1");
        assertThatThrownBy(() -> sum().threads(task -> null).start()).hasMessage("thread of the factory");
        try (Actor<Command> actor = sum().start()) {
            assertThatThrownBy(() -> actor.tell(null)).isInstanceOf(NullPointerException.class).hasMessage("message");
            assertThatThrownBy(() -> actor.tryTell(null)).isInstanceOf(NullPointerException.class)
                    .hasMessage("message");
            assertThatThrownBy(() -> actor.ask(reply -> null)).isInstanceOf(NullPointerException.class)
                    .hasMessage("message");
        }
    }

    @Test
    void itsThreadHasItsName() throws Exception {
        List<String> names = new CopyOnWriteArrayList<>();
        for (ThreadFactory factory : List.of(Thread.ofVirtual().factory(), Thread.ofPlatform().name("own").factory())) {
            try (Actor<Integer> actor = Actor.<Integer>builder(message -> names.add(Thread.currentThread().getName()))
                    .name("given")
                    .threads(factory)
                    .start()) {
                actor.tell(1);
            }
        }
        assertThat(names).containsExactly("given", "own");
    }

    // ---- failures ----

    @Test
    void aFailureStopsIt() throws Exception {
        var hold = new Hold();
        var broken = new IOException("broken");
        Actor<Command> actor = sum().start();
        actor.tell(hold);
        actor.tell(new Fail(broken));
        CompletableFuture<Long> left = actor.ask(Total::new);
        hold.release.countDown();
        assertThat(failure(left))
                .isInstanceOf(ActorClosedException.class)
                .hasMessage("actor sum was stopped: java.io.IOException: broken")
                .hasCause(broken);
        assertThat(failure(actor.ended())).isEqualTo(broken);
        assertThatThrownBy(() -> actor.tell(new Add(1))).isInstanceOf(ActorClosedException.class).hasCause(broken);
        assertThatThrownBy(() -> actor.tryTell(new Add(1))).isInstanceOf(ActorClosedException.class).hasCause(broken);
        assertThatThrownBy(() -> actor.ask(Total::new)).isInstanceOf(ActorClosedException.class).hasCause(broken);
        assertThat(uncaught).containsExactly(broken);
        actor.close();
        actor.stop();
        assertThat(actor).hasToString("Actor[sum, ended, 0 of 1000 messages]");
    }

    @Test
    void aFailureIsTheReply() throws Exception {
        var broken = new IOException("broken");
        try (Actor<Command> actor = sum().start()) {
            assertThat(failure(actor.<Long>ask(reply -> new Ask(reply, broken)))).isEqualTo(broken);
            assertThat(failure(actor.ended())).isEqualTo(broken);
        }
        assertThat(uncaught).as("the asker has it").isEmpty();
    }

    @Test
    void resumesIfItIsToldTo() throws Exception {
        var broken = new IOException("broken");
        Actor<Command> actor = sum().onFailure(Actor.OnFailure.RESUME).start();
        actor.tell(new Add(1));
        actor.tell(new Fail(broken));
        assertThat(failure(actor.<Long>ask(reply -> new Ask(reply, broken)))).isEqualTo(broken);
        actor.tell(new Add(1));
        assertThat(actor.ask(Total::new).get()).isEqualTo(2);
        assertThat(uncaught).containsExactly(broken);
        actor.close();
        assertThat(actor.ended()).isCompletedWithValue(null);
    }

    @Test
    void anErrorStopsItAllTheSame() throws Exception {
        var error = new AssertionError("broken");
        try (Actor<Command> actor = sum().onFailure(Actor.OnFailure.RESUME).start()) {
            actor.tell(new Fail(error));
            assertThat(failure(actor.ended())).isEqualTo(error);
        }
        assertThat(uncaught).containsExactly(error);
    }

    @Test
    void anUncaughtExceptionHandlerThatThrowsHarmsNobody() throws Exception {
        try (Actor<Command> actor = sum().onFailure(Actor.OnFailure.RESUME)
                .threads(Thread.ofVirtual().uncaughtExceptionHandler((thread, failure) -> {
                    throw new IllegalStateException("the handler fails too; to be logged by a test");
                }).factory())
                .start()) {
            actor.tell(new Fail(new IOException("broken")));
            actor.tell(new Add(1));
            assertThat(actor.ask(Total::new).get()).isOne();
        }
    }

    // ---- the end ----

    @Test
    void closeHandlesWhatIsInTheMailbox() throws Exception {
        var hold = new Hold();
        Actor<Command> actor = sum().start();
        actor.tell(hold);
        hold.begun.await();
        actor.tell(new Add(5));
        CompletableFuture<Long> total = actor.ask(Total::new);
        Caller<Boolean> closer = Caller.of(() -> {
            actor.close();
            return true;
        });
        closer.awaitWaitingIn("close");
        assertThat(actor).hasToString("Actor[sum, closed, 2 of 1000 messages]");
        assertThatThrownBy(() -> actor.tell(new Add(1)))
                .isInstanceOf(ActorClosedException.class)
                .hasMessage("actor sum is closed")
                .hasNoCause();
        hold.release.countDown();
        closer.result();
        assertThat(total).isCompletedWithValue(5L);
        assertThat(actor.ended()).isCompletedWithValue(null);
        actor.stop();
        assertThatThrownBy(() -> actor.tell(new Add(1))).as("a stop behind the end").hasMessage("actor sum is closed");
    }

    @ParameterizedTest
    @EnumSource
    void stopDoesNotAndInterruptsTheHandler(Kind kind) throws Exception {
        var hold = new Hold();
        Actor<Command> actor = sum().threads(kind.threads).mailbox(2).start();
        actor.tell(hold);
        hold.begun.await();
        actor.tell(new Fail(new IOException("never handled")));
        CompletableFuture<Long> total = actor.ask(Total::new);
        Caller<Boolean> teller = Caller.of(() -> {
            actor.tell(new Add(1));
            return true;
        });
        teller.awaitWaitingIn("tell");
        actor.stop();
        actor.close();
        assertThat(teller.failure()).isInstanceOf(ActorClosedException.class);
        assertThat(failure(total))
                .isInstanceOf(ActorClosedException.class)
                .hasMessage("actor sum was stopped: java.util.concurrent.CancellationException: stop was called")
                .hasCauseInstanceOf(CancellationException.class);
        assertThat(actor.ended()).isCancelled();
        assertThat(uncaught).isEmpty();
    }

    @Test
    void anIdleActorStops() {
        Actor<Command> actor = sum().start();
        actor.stop();
        actor.close();
        assertThat(actor).hasToString("Actor[sum, ended, 0 of 1000 messages]");
    }

    @Test
    void repliesThatWereLeftOpenFailInTheEnd() throws Exception {
        List<CompletableFuture<Long>> forgotten = new ArrayList<>();
        Actor<CompletableFuture<Long>> actor =
                Actor.<CompletableFuture<Long>>builder(forgotten::add).threads(threads).name("lazy").start();
        CompletableFuture<Long> reply = actor.ask(future -> future);
        CompletableFuture<Long> other = actor.ask(future -> future);
        actor.tell(new CompletableFuture<>());
        actor.close();
        assertThat(forgotten).hasSize(3);
        for (CompletableFuture<Long> one : List.of(reply, other)) {
            assertThat(failure(one)).isInstanceOf(ActorClosedException.class).hasMessage("actor lazy is closed");
        }
    }

    @Test
    void anInterruptedCloseStopsItAndWaitsAllTheSame() throws Exception {
        var hold = new Hold();
        Actor<Command> actor = sum().start();
        actor.tell(hold);
        hold.begun.await();
        Caller<Boolean> closer = Caller.of(() -> {
            actor.close();
            return Thread.interrupted();
        });
        closer.awaitWaitingIn("close");
        closer.interrupt();
        assertThat(closer.result()).isTrue();
        assertThat(actor.ended()).isCancelled();
    }

    @Test
    void anInterruptOfItsThreadStopsIt() throws Exception {
        var thread = new CompletableFuture<Thread>();
        Actor<Integer> actor = Actor.builder((Integer message) -> {
            thread.complete(Thread.currentThread());
        }).threads(threads).name("idle").start();
        actor.tell(1);
        thread.get().interrupt();
        assertThat(failure(actor.ended())).isInstanceOf(InterruptedException.class);
        assertThatThrownBy(() -> actor.tell(1))
                .hasMessage("actor idle was stopped: java.lang.InterruptedException")
                .isInstanceOf(ActorClosedException.class);
    }

    /** Every reply ends, wherever the stop falls. */
    @Test
    void aStopAmongQuestionsLeavesNoneOpen() throws Exception {
        for (int round = 0; round < 200; round++) {
            Actor<Command> actor = sum().mailbox(4).threads(Kind.values()[round % 3].threads).start();
            Caller<List<CompletableFuture<Long>>> asker = Caller.on(Kind.values()[round / 3 % 3].threads, () -> {
                List<CompletableFuture<Long>> replies = new ArrayList<>();
                try {
                    while (true) {
                        replies.add(actor.ask(Total::new));
                    }
                } catch (ActorClosedException e) {
                    return replies;
                }
            });
            for (int spins = 0; spins < round * 20; spins++) {
                Thread.onSpinWait();
            }
            if (round % 2 == 0) {
                actor.stop();
            }
            actor.close();
            for (CompletableFuture<Long> reply : asker.result()) {
                assertThat(reply.handle((value, failure) -> "done").get(30, TimeUnit.SECONDS)).isEqualTo("done");
            }
        }
    }
}
