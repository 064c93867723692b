package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class ChannelTest {
    private static final Duration LONG = Duration.ofDays(1);
    private static final Duration SHORT = Duration.ofMillis(1);

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private static Channel<Integer> holding(int capacity, Integer... elements) {
        var channel = new Channel<Integer>(capacity);
        for (Integer element : elements) {
            assertThat(channel.trySend(element)).isTrue();
        }
        return channel;
    }

    private static <T> Caller<T> waiting(Kind kind, Callable<T> call) {
        Caller<T> caller = Caller.on(kind.threads, call);
        caller.awaitWaitingIn("await");
        return caller;
    }

    private static Caller<Boolean> waitingSender(Kind kind, Channel<Integer> channel, int element) {
        return waiting(kind, () -> {
            channel.send(element);
            return true;
        });
    }

    private static void assertClosed(ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(ChannelClosedException.class).hasMessage("channel is closed")
                .hasNoCause();
    }

    private static List<Integer> drained(Channel<Integer> channel) {
        List<Integer> elements = new ArrayList<>();
        for (Integer one = channel.tryReceive(); one != null; one = channel.tryReceive()) {
            elements.add(one);
        }
        return elements;
    }

    // ---- without waiting ----

    @Test
    void elementsComeOutAsTheyWentIn() throws Exception {
        var channel = new Channel<Integer>(4);
        channel.send(1);
        assertThat(channel.send(2, LONG)).isTrue();
        assertThat(channel.send(3, Duration.ZERO)).isTrue();
        assertThat(channel.trySend(4)).isTrue();
        assertThat(channel.size()).isEqualTo(4);
        assertThat(channel.capacity()).isEqualTo(4);
        assertThat(channel.receive()).isEqualTo(1);
        assertThat(channel.receive(LONG)).isEqualTo(2);
        assertThat(channel.receive(Duration.ZERO)).isEqualTo(3);
        assertThat(channel.tryReceive()).isEqualTo(4);
        assertThat(channel.size()).isZero();
    }

    @Test
    void aFullChannelTakesNothing() throws Exception {
        var channel = holding(2, 1, 2);
        assertThat(channel.trySend(3)).isFalse();
        assertThat(channel.send(3, Duration.ZERO)).isFalse();
        assertThat(channel.send(3, Duration.ofSeconds(-1))).isFalse();
        assertThat(channel.send(3, SHORT)).isFalse();
        assertThat(drained(channel)).containsExactly(1, 2);
    }

    @Test
    void whatIsInAlreadyIsSentOnce() throws Exception {
        var channel = new Channel<String>(2);
        for (String name : List.of("a", "b", "a", "b", "b")) {
            assertThat(channel.sendOnce(name)).isTrue();
        }
        assertThat(channel.sendOnce("c")).as("there is room").isFalse();
        assertThat(channel.receive()).isEqualTo("a");
        assertThat(channel.sendOnce("a")).isTrue();
        assertThat(channel.receive() + channel.receive()).isEqualTo("ba");
        channel.close();
        assertThat(channel.sendOnce("d")).isFalse();
    }

    @Test
    void anEmptyChannelGivesNothing() throws Exception {
        for (int capacity = 0; capacity < 3; capacity++) {
            var channel = new Channel<Integer>(capacity);
            assertThat(channel.tryReceive()).isNull();
            assertThat(channel.receive(Duration.ZERO)).isNull();
            assertThat(channel.receive(Duration.ofSeconds(-1))).isNull();
            assertThat(channel.receive(SHORT)).isNull();
        }
    }

    @Test
    void refusesWhatMakesNoSense() {
        var channel = new Channel<Integer>(1);
        assertThatThrownBy(() -> channel.send(null)).isInstanceOf(NullPointerException.class).hasMessage("element");
        assertThatThrownBy(() -> channel.send(null, LONG)).isInstanceOf(NullPointerException.class)
                .hasMessage("element");
        assertThatThrownBy(() -> channel.trySend(null)).isInstanceOf(NullPointerException.class).hasMessage("element");
        assertThatThrownBy(() -> channel.close(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> new Channel<>(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("capacity must be >= 0, was -1");
        assertThat(channel).hasToString("Channel[open, 0 of 1, waiting: 0 to send, 0 to receive]");
    }

    @Test
    void hasRoomForAsManyAsItSays() {
        var channel = new Channel<Integer>(Integer.MAX_VALUE);
        for (int i = 0; i < 10_000; i++) {
            assertThat(channel.trySend(i)).isTrue();
        }
        assertThat(drained(channel)).hasSize(10_000).isSorted();
    }

    // ---- waiting ----

    @ParameterizedTest
    @EnumSource
    void sendersThatWaitAreLetInAsTheyCame(Kind kind) throws Exception {
        var channel = holding(1, 1);
        Caller<Boolean> second = waitingSender(kind, channel, 2);
        Caller<Boolean> third = waiting(kind, () -> channel.send(3, LONG));
        assertThat(channel).hasToString("Channel[open, 1 of 1, waiting: 2 to send, 0 to receive]");
        assertThat(channel.receive()).isEqualTo(1);
        second.result();
        assertThat(channel.trySend(9)).as("there is no room before the third").isFalse();
        assertThat(channel.receive(LONG)).isEqualTo(2);
        assertThat(third.result()).isTrue();
        assertThat(drained(channel)).containsExactly(3);
    }

    @ParameterizedTest
    @EnumSource
    void receiversThatWaitAreServedAsTheyCame(Kind kind) throws Exception {
        for (int capacity = 0; capacity < 2; capacity++) {
            var channel = new Channel<Integer>(capacity);
            Caller<Integer> first = waiting(kind, channel::receive);
            Caller<Integer> second = waiting(kind, () -> channel.receive(LONG));
            assertThat(channel.trySend(1)).isTrue();
            assertThat(channel.send(2, LONG)).isTrue();
            assertThat(first.result()).isEqualTo(1);
            assertThat(second.result()).isEqualTo(2);
            assertThat(channel.size()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void withoutRoomSendersMeetReceivers(Kind kind) throws Exception {
        var channel = new Channel<Integer>(0);
        assertThat(channel.trySend(1)).isFalse();
        assertThat(channel.send(1, SHORT)).isFalse();
        Caller<Boolean> two = waitingSender(kind, channel, 2);
        Caller<Boolean> three = waitingSender(kind, channel, 3);
        assertThat(channel.size()).isZero();
        assertThat(channel.tryReceive()).isEqualTo(2);
        assertThat(channel.receive()).isEqualTo(3);
        two.result();
        three.result();
        Caller<Integer> receiver = waiting(kind, channel::receive);
        channel.send(4);
        assertThat(receiver.result()).isEqualTo(4);
    }

    @Test
    void onOneLoopTheyChangeTurnsOncePerFilling() {
        var loop = new ByHand();
        var channel = new Channel<Integer>(3);
        var order = new StringBuilder();
        loop.threads().start(() -> {
            try {
                for (int i = 0; i < 9; i++) {
                    channel.send(i);
                    order.append('s');
                }
                channel.close();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        loop.threads().start(() -> channel.forEach(element -> order.append(element)));
        loop.runAll();
        assertThat(order).hasToString("sss0123sssss45678s");
    }

    // ---- giving up ----

    @ParameterizedTest
    @EnumSource
    void anInterruptedReceiverTakesNothing(Kind kind) throws Exception {
        var channel = new Channel<Integer>(1);
        Caller<Integer> first = waiting(kind, channel::receive);
        Caller<Integer> second = waiting(kind, () -> channel.receive(LONG));
        Caller<Integer> third = waiting(kind, channel::receive);
        second.interrupt();
        assertThat(second.failure()).isInstanceOf(InterruptedException.class);
        assertThat(channel).hasToString("Channel[open, 0 of 1, waiting: 0 to send, 2 to receive]");
        channel.send(1);
        channel.send(2);
        assertThat(first.result()).isEqualTo(1);
        assertThat(third.result()).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptedSenderSendsNothing(Kind kind) throws Exception {
        for (int capacity = 0; capacity < 2; capacity++) {
            var channel = new Channel<Integer>(capacity);
            if (capacity > 0) {
                channel.send(0);
            }
            Caller<Boolean> first = waitingSender(kind, channel, 1);
            Caller<Boolean> second = waiting(kind, () -> channel.send(2, LONG));
            Caller<Boolean> third = waitingSender(kind, channel, 3);
            first.interrupt();
            assertThat(first.failure()).isInstanceOf(InterruptedException.class);
            second.interrupt();
            assertThat(second.failure()).isInstanceOf(InterruptedException.class);
            assertThat(drained(channel)).isEqualTo(capacity == 0 ? List.of(3) : List.of(0, 3));
            third.result();
        }
    }

    @Test
    void whoIsInterruptedBeforeDoesNothing() {
        var channel = holding(2, 1);
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> channel.send(2), () -> channel.send(2, Duration.ZERO), channel::receive,
                () -> channel.receive(LONG))) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(call).isInstanceOf(InterruptedException.class);
            assertThat(Thread.interrupted()).as("thrown, and so cleared").isFalse();
        }
        Thread.currentThread().interrupt();
        assertThat(channel.trySend(2)).as("what never waits is not interrupted").isTrue();
        assertThat(channel.tryReceive()).isEqualTo(1);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void anInterruptBehindTheHandOverComesTooLate() throws Exception {
        var loop = new ByHand();
        var channel = new Channel<Integer>(0);
        List<String> seen = new ArrayList<>();
        Thread receiver = loop.parked(() -> {
            try {
                seen.add("received " + channel.receive() + ", interrupted " + Thread.interrupted());
            } catch (InterruptedException e) {
                seen.add("lost");
            }
        });
        channel.send(1);
        receiver.interrupt();
        loop.runAll();
        Thread sender = loop.parked(() -> {
            try {
                channel.send(2);
                seen.add("sent, interrupted " + Thread.interrupted());
            } catch (InterruptedException e) {
                seen.add("doubled");
            }
        });
        assertThat(channel.receive()).isEqualTo(2);
        sender.interrupt();
        loop.runAll();
        assertThat(seen).containsExactly("received 1, interrupted true", "sent, interrupted true");
    }

    @Test
    void anElementBehindTheInterruptGoesToTheNext() {
        var loop = new ByHand();
        var channel = new Channel<Integer>(1);
        List<String> seen = new ArrayList<>();
        Runnable receive = () -> {
            try {
                seen.add("received " + channel.receive());
            } catch (InterruptedException e) {
                seen.add("interrupted");
            }
        };
        Thread first = loop.parked(receive);
        loop.parked(receive);
        first.interrupt();
        loop.runAll();
        assertThat(channel.trySend(1)).isTrue();
        loop.runAll();
        assertThat(seen).containsExactly("interrupted", "received 1");
    }

    @Test
    void aTimeOutBehindTheHandOverComesTooLate() throws Exception {
        var loop = new ByHand();
        var channel = new Channel<Integer>(1);
        List<Integer> seen = new ArrayList<>();
        loop.parked(() -> {
            try {
                seen.add(channel.receive(LONG));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        channel.send(1);
        loop.timeIsOver();
        loop.runAll();
        assertThat(seen).containsExactly(1);
    }

    @ParameterizedTest
    @EnumSource
    void whoGaveUpIsGone(Kind kind) throws Exception {
        var channel = holding(1, 7);
        var empty = new Channel<Integer>(0);
        assertThat(Caller.on(kind.threads, () -> {
            for (int i = 0; i < 20; i++) {
                assertThat(channel.send(i, SHORT)).isFalse();
                assertThat(empty.receive(SHORT)).isNull();
            }
            return drained(channel);
        }).result()).containsExactly(7);
        assertThat(channel).hasToString("Channel[open, 0 of 1, waiting: 0 to send, 0 to receive]");
        assertThat(empty).hasToString("Channel[open, 0 of 0, waiting: 0 to send, 0 to receive]");
    }

    // ---- closing ----

    @Test
    void afterCloseTheRestCanBeReceived() throws Exception {
        var channel = holding(3, 1, 2, 3);
        assertThat(channel.isClosed()).isFalse();
        assertThat(channel.close()).isTrue();
        assertThat(channel.close()).isFalse();
        assertThat(channel.isClosed()).isTrue();
        assertClosed(() -> channel.send(4));
        assertClosed(() -> channel.send(4, LONG));
        assertClosed(() -> channel.trySend(4));
        assertThat(channel).hasToString("Channel[closed, 3 of 3, waiting: 0 to send, 0 to receive]");
        assertThat(channel.tryReceive()).isEqualTo(1);
        assertThat(channel.receive()).isEqualTo(2);
        assertThat(channel.receive(LONG)).isEqualTo(3);
        assertClosed(channel::tryReceive);
        assertClosed(channel::receive);
        assertClosed(() -> channel.receive(LONG));
        assertClosed(() -> channel.receive(Duration.ZERO));
    }

    @ParameterizedTest
    @EnumSource
    void closingSendsReceiversHome(Kind kind) {
        for (int capacity = 0; capacity < 2; capacity++) {
            var channel = new Channel<Integer>(capacity);
            List<Caller<Integer>> waiting = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                waiting.add(waiting(kind, channel::receive));
                waiting.add(waiting(kind, () -> channel.receive(LONG)));
            }
            channel.close();
            waiting.forEach(one -> assertClosed(() -> {
                throw one.failure();
            }));
        }
    }

    @ParameterizedTest
    @EnumSource
    void closingSendsSendersHomeAndTheirElementsAreNotIn(Kind kind) {
        for (int capacity = 0; capacity < 2; capacity++) {
            var channel = capacity == 0 ? new Channel<Integer>(0) : holding(1, 1);
            Caller<Boolean> one = waitingSender(kind, channel, 2);
            Caller<Boolean> other = waiting(kind, () -> channel.send(3, LONG));
            channel.close();
            assertClosed(() -> {
                throw one.failure();
            });
            assertClosed(() -> {
                throw other.failure();
            });
            if (capacity > 0) {
                assertThat(channel.tryReceive()).isEqualTo(1);
            }
            assertClosed(channel::tryReceive);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatItWasClosedWithIsTold(Kind kind) throws Exception {
        var failure = new IOException("disk full");
        var channel = new Channel<Integer>(1);
        Caller<Integer> receiver = waiting(kind, channel::receive);
        assertThat(channel.close(failure)).isTrue();
        assertThat(channel.close()).isFalse();
        assertThat(channel.close(new IOException("again"))).isFalse();
        for (Throwable thrown : List.of(receiver.failure(), Caller.of(channel::receive).failure())) {
            assertThat(thrown)
                    .isInstanceOf(ChannelClosedException.class)
                    .hasMessage("channel is closed: java.io.IOException: disk full")
                    .hasCause(failure);
        }
        var full = holding(1, 1);
        Caller<Boolean> sender = waitingSender(kind, full, 2);
        full.close(failure);
        assertThat(sender.failure()).isInstanceOf(ChannelClosedException.class).hasCause(failure);
        assertThatThrownBy(() -> full.trySend(3)).hasCause(failure);
        assertThat(full.receive()).as("what is in comes out first").isEqualTo(1);
        assertThatThrownBy(full::receive).hasCause(failure);
    }

    // ---- all elements ----

    @Test
    void iterationEndsWhenItIsClosed() {
        var channel = holding(3, 1, 2, 3);
        channel.close();
        List<Integer> seen = new ArrayList<>();
        for (int element : channel) {
            seen.add(element);
        }
        assertThat(seen).containsExactly(1, 2, 3);
        Iterator<Integer> iterator = channel.iterator();
        assertThat(iterator.hasNext()).isFalse();
        assertThat(iterator.hasNext()).isFalse();
        assertThatThrownBy(iterator::next).isInstanceOf(NoSuchElementException.class);
        assertThatThrownBy(iterator::remove).isInstanceOf(UnsupportedOperationException.class);
        assertThat(channel.stream()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void iterationWaits(Kind kind) throws Exception {
        var channel = new Channel<Integer>(0);
        Caller<List<Integer>> caller = waiting(kind, () -> channel.stream().map(one -> -one).toList());
        channel.send(1);
        channel.send(2);
        channel.close();
        assertThat(caller.result()).containsExactly(-1, -2);
    }

    @Test
    void hasNextTakesOneAndNoMore() {
        var channel = holding(3, 1, 2, 3);
        Iterator<Integer> iterator = channel.iterator();
        assertThat(iterator.hasNext()).isTrue();
        assertThat(iterator.hasNext()).isTrue();
        assertThat(channel.size()).isEqualTo(2);
        assertThat(iterator.next()).isEqualTo(1);
        assertThat(iterator.next()).isEqualTo(2);
        assertThat(channel.size()).isEqualTo(1);
    }

    @Test
    void aStreamTakesNoMoreThanItWants() {
        var channel = holding(4, 1, 2, 3, 4);
        assertThat(channel.stream().limit(2)).containsExactly(1, 2);
        assertThat(channel.stream().filter(one -> one > 2).findFirst()).contains(3);
        assertThat(drained(channel)).containsExactly(4);
    }

    @Test
    void iterationTellsWhatItWasClosedWith() {
        var failure = new IOException("disk full");
        var channel = holding(1, 1);
        channel.close(failure);
        List<Integer> seen = new ArrayList<>();
        Iterator<Integer> iterator = channel.iterator();
        assertThatThrownBy(() -> iterator.forEachRemaining(seen::add))
                .isInstanceOf(ChannelClosedException.class)
                .hasCause(failure);
        assertThatThrownBy(iterator::hasNext).isInstanceOf(ChannelClosedException.class);
        assertThat(seen).containsExactly(1);
    }

    @ParameterizedTest
    @EnumSource
    void iterationCanBeInterruptedAndTakesNothingThen(Kind kind) throws Exception {
        var channel = new Channel<Integer>(1);
        Caller<Stream<String>> caller = waiting(kind, () -> {
            try {
                channel.forEach(one -> {});
                return Stream.of("ended");
            } catch (CompletionException e) {
                return Stream.of(e.getCause().getClass().getSimpleName(), "" + Thread.interrupted());
            }
        });
        caller.interrupt();
        assertThat(caller.result()).containsExactly("InterruptedException", "true");
        channel.send(1);
        assertThat(drained(channel)).containsExactly(1);
    }
}
