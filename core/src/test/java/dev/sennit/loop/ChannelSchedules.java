package dev.sennit.loop;

import static dev.sennit.testing.Together.begin;
import static dev.sennit.testing.Together.cancelledFirst;
import static dev.sennit.testing.Together.check;
import static dev.sennit.testing.Together.together;

import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.Together;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Concurrent uses of channels and actors, for {@code LibrarySchedulesTest}. At every moment of an interrupt or a close,
 * each element is received once or still in the channel, and no wait hangs.
 */
public final class ChannelSchedules {
    private ChannelSchedules() {}

    /**
     * Returns the bodies that have to pass.
     *
     * @return their classes
     */
    public static List<Class<? extends ScheduleExplorer.Body>> all() {
        return List.of(
                SelectBetweenSenders.class,
                SelectMeetsSelect.class,
                ReceiverInterrupted.class,
                SenderInterrupted.class,
                SelectInterrupted.class,
                ReceiverCancelledFirst.class,
                SenderCancelledFirst.class,
                SelectCancelledFirst.class,
                ClosedWhileSending.class,
                ActorClosed.class,
                ActorStopped.class);
    }

    /**
     * Returns the body that has to fail, which it does only if this package has memory points.
     *
     * @return its class
     */
    public static Class<? extends ScheduleExplorer.Body> canary() {
        return UpdateLost.class;
    }

    /** Returns how many elements are left. */
    private static int left(Channel<Integer> channel) {
        int count = 0;
        while (channel.tryReceive() != null) {
            count++;
        }
        return count;
    }

    /** Two channels deliver an element each, one of them without a buffer. */
    static final class SelectBetweenSenders implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var meeting = new Channel<Integer>(0);
            var buffered = new Channel<Integer>(1);
            var sum = new AtomicInteger();
            together(
                    () -> meeting.send(1),
                    () -> buffered.send(2),
                    () -> {
                        for (int i = 0; i < 2; i++) {
                            sum.addAndGet(Select.<Integer>from(meeting.receiving(one -> one),
                                    buffered.receiving(one -> one)));
                        }
                    });
            check(sum.get() == 3, sum);
        }
    }

    /** Two selects each send on one channel or receive from the other: exactly one element passes. */
    static final class SelectMeetsSelect implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var first = new Channel<Integer>(0);
            var second = new Channel<Integer>(0);
            var passed = new AtomicInteger();
            together(
                    () -> passed.addAndGet(
                            Select.<Integer>from(first.sending(1, () -> 1), second.receiving(one -> 10))),
                    () -> passed.addAndGet(
                            Select.<Integer>from(second.sending(1, () -> 1), first.receiving(one -> 10))));
            check(passed.get() == 11, passed);
            check(left(first) + left(second) == 0, "an element that nobody sent");
        }
    }

    /** One of two receivers is interrupted: its element goes to the other, or stays. */
    static final class ReceiverInterrupted implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var channel = new Channel<Integer>(1);
            var received = new AtomicInteger();
            Thread receiver = begin(() -> {
                try {
                    received.addAndGet(channel.receive());
                } catch (InterruptedException e) {
                    // then it has nothing
                }
            });
            together(
                    receiver::interrupt,
                    () -> received.addAndGet(channel.receive()),
                    () -> {
                        channel.send(1);
                        channel.send(1);
                    });
            receiver.join();
            check(received.get() + left(channel) == 2, received);
        }
    }

    /** A sender is interrupted while room becomes free for it. */
    static final class SenderInterrupted implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var channel = new Channel<Integer>(1);
            channel.send(1);
            var sent = new AtomicInteger(1);
            Thread sender = begin(() -> {
                try {
                    channel.send(1);
                    sent.incrementAndGet();
                } catch (InterruptedException e) {
                    // then it has sent nothing
                }
            });
            together(sender::interrupt, channel::receive);
            sender.join();
            check(1 + left(channel) == sent.get(), sent + " sent");
        }
    }

    /** A thread that waits for two channels is interrupted. */
    static final class SelectInterrupted implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var first = new Channel<Integer>(1);
            var second = new Channel<Integer>(1);
            var received = new AtomicInteger();
            Thread receiver = begin(() -> {
                try {
                    Select.<Integer>from(first.receiving(one -> one), second.receiving(one -> one));
                    received.incrementAndGet();
                } catch (InterruptedException e) {
                    // then it has nothing
                }
            });
            together(() -> first.send(1), () -> second.send(1), receiver::interrupt);
            receiver.join();
            check(received.get() + left(first) + left(second) == 2, received);
        }
    }

    /** If an element is sent after one receiver was interrupted, the other receiver gets it. */
    static final class ReceiverCancelledFirst implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var channel = new Channel<Integer>(1);
            cancelledFirst(channel::receive, () -> channel.send(1));
        }
    }

    /** The element of an interrupted sender is not received afterwards. */
    static final class SenderCancelledFirst implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var channel = new Channel<Integer>(0);
            cancelledFirst(() -> channel.send(1), channel::receive);
        }
    }

    /** The same for a thread that waits for two channels. */
    static final class SelectCancelledFirst implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var first = new Channel<Integer>(1);
            var second = new Channel<Integer>(0);
            cancelledFirst(
                    () -> Select.<Integer>from(first.receiving(one -> one), second.receiving(one -> one)),
                    () -> first.send(1));
        }
    }

    /** Elements that were sent before the channel was closed are received. */
    static final class ClosedWhileSending implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var channel = new Channel<Integer>(1);
            var sent = new AtomicInteger();
            var received = new AtomicInteger();
            together(
                    () -> {
                        try {
                            channel.send(1);
                            sent.incrementAndGet();
                            channel.send(1);
                            sent.incrementAndGet();
                        } catch (ChannelClosedException e) {
                            // that is its end
                        }
                    },
                    () -> {
                        for (int element : channel) {
                            received.addAndGet(element);
                        }
                    },
                    channel::close);
            check(sent.get() == received.get(), sent + " sent, " + received + " received");
        }
    }

    /** An actor handles the messages that it took before it was closed, one at a time. */
    static final class ActorClosed implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var told = new AtomicInteger();
            int[] handled = new int[1];
            Actor<Integer> actor = Actor.start(message -> handled[0] += message);
            Together.Part tell = () -> {
                try {
                    actor.tell(1);
                    told.incrementAndGet();
                } catch (ActorClosedException e) {
                    // it was closed before
                }
            };
            together(tell, tell, actor::close);
            actor.ended().get();
            check(told.get() == handled[0], told + " told, " + handled[0] + " handled");
        }
    }

    /** A caller that asks an actor while it is stopped gets an answer or a failure. */
    static final class ActorStopped implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            Actor<CompletableFuture<Integer>> actor = Actor.start(reply -> reply.complete(1));
            together(actor::stop, () -> {
                try {
                    check(actor.<Integer>ask(reply -> reply).get() == 1, actor);
                } catch (ActorClosedException | CancellationException e) {
                    // it was stopped before
                } catch (ExecutionException e) {
                    check(e.getCause() instanceof ActorClosedException, e.getCause());
                }
            });
            check(actor.ended().handle((nothing, failure) -> failure instanceof CancellationException).get(), actor);
        }
    }

    /** Broken: two threads count in a plain field. The explorer has to find this. */
    static final class UpdateLost implements ScheduleExplorer.Body {
        private int count;

        @Override
        public void run() throws Exception {
            count = 0;
            together(() -> count++, () -> count++);
            check(count == 2, count);
        }
    }
}
