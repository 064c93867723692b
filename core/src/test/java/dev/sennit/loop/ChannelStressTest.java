package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.Seeded;
import dev.sennit.conformance.internal.Caller;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Many senders and receivers on every kind of thread, who choose their calls at random: nothing is lost, doubled or
 * overtaken.
 */
@Timeout(120)
class ChannelStressTest {
    private static final int ROUNDS = 5;
    private static final int EACH = 400;

    private record Element(int sender, int number) {}

    /** Gives up now and then, and tries again. */
    private static void send(List<Channel<Element>> channels, Element element, RandomGenerator random) {
        while (true) {
            Channel<Element> channel = channels.get(random.nextInt(channels.size()));
            Channel<Element> other = channels.get(random.nextInt(channels.size()));
            try {
                boolean sent = switch (random.nextInt(5)) {
                    case 0 -> channel.trySend(element);
                    case 1 -> channel.send(element, Duration.ofNanos(random.nextInt(100_000)));
                    case 2 -> Select.<Boolean>from(
                            channel.sending(element, () -> true),
                            other.sending(element, () -> true),
                            Select.after(Duration.ofNanos(random.nextInt(100_000)), () -> false));
                    case 3 ->
                        Select.<Boolean>from(channel.sending(element, () -> true), other.sending(element, () -> true));
                    default -> {
                        channel.send(element);
                        yield true;
                    }
                };
                if (sent) {
                    return;
                }
                Thread.yield();
            } catch (InterruptedException e) {
                // not sent
            }
        }
    }

    /** What it received until all channels were closed. */
    private static List<Element> receiveAll(List<Channel<Element>> channels, RandomGenerator random) {
        List<Element> received = new ArrayList<>();
        List<Channel<Element>> open = new ArrayList<>(channels);
        while (!open.isEmpty()) {
            Channel<Element> channel = open.get(random.nextInt(open.size()));
            try {
                Element element = switch (random.nextInt(4)) {
                    case 0 -> channel.tryReceive();
                    case 1 -> channel.receive(Duration.ofNanos(random.nextInt(100_000)));
                    case 2 -> open.size() == 1 ? channel.receive() : null;
                    default -> { // of all: else the senders might wait in the others
                        List<Select.Clause<Element>> clauses = new ArrayList<>();
                        for (Channel<Element> one : open) {
                            clauses.add(one.receiving((Element each) -> each).whenClosed(e -> {
                                open.remove(one);
                                return null;
                            }));
                        }
                        yield Select.from(clauses);
                    }
                };
                if (element == null) {
                    Thread.yield();
                } else {
                    received.add(element);
                }
            } catch (ChannelClosedException e) {
                open.remove(channel);
            } catch (InterruptedException e) {
                // nothing was received
            }
        }
        return received;
    }

    private static void run(Seeded seeded, int channelCount, boolean interrupts) throws Exception {
        RandomGenerator random = seeded.generator();
        List<Channel<Element>> channels = new ArrayList<>();
        for (int i = 0; i < channelCount; i++) {
            channels.add(new Channel<>(random.nextInt(4) * random.nextInt(3)));
        }
        List<Caller<Boolean>> senders = new ArrayList<>();
        int senderCount = 1 + random.nextInt(5);
        for (int s = 0; s < senderCount; s++) {
            int sender = s;
            var own = new SplittableRandom(random.nextLong());
            senders.add(Caller.on(Kind.values()[random.nextInt(3)].threads, () -> {
                for (int i = 0; i < EACH; i++) {
                    send(channels, new Element(sender, i), own);
                }
                return true;
            }));
        }
        List<Caller<List<Element>>> receivers = new ArrayList<>();
        for (int r = 1 + random.nextInt(5); r > 0; r--) {
            var own = new SplittableRandom(random.nextLong());
            receivers.add(Caller.on(Kind.values()[random.nextInt(3)].threads, () -> receiveAll(channels, own)));
        }
        var over = new AtomicBoolean();
        Caller<Boolean> storm = Caller.of(() -> {
            while (interrupts && !over.get()) {
                senders.get(ThreadLocalRandom.current().nextInt(senders.size())).interrupt();
                receivers.get(ThreadLocalRandom.current().nextInt(receivers.size())).interrupt();
                Thread.yield();
            }
            return true;
        });
        for (Caller<Boolean> sender : senders) {
            sender.result();
        }
        channels.forEach(Channel::close);
        int[] seen = new int[senderCount * EACH];
        for (Caller<List<Element>> receiver : receivers) {
            int[] last = new int[senderCount];
            Arrays.fill(last, -1);
            for (Element element : receiver.result()) {
                seen[element.sender * EACH + element.number]++;
                if (channelCount == 1) {
                    assertThat(element.number).as("order of sender %d", element.sender)
                            .isGreaterThan(last[element.sender]);
                    last[element.sender] = element.number;
                }
            }
        }
        over.set(true);
        storm.result();
        assertThat(seen).containsOnly(1);
        assertThat(channels).allSatisfy(one -> assertThat(one.toString()).endsWith("waiting: 0 to send, 0 to receive]")
                .startsWith("Channel[closed, 0 of"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyElementIsReceivedOnce(int channels) {
        Seeded.repeat(ROUNDS, seeded -> run(seeded, channels, false));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyElementIsReceivedOnceInAStormOfInterrupts(int channels) {
        Seeded.repeat(ROUNDS, seeded -> run(seeded, channels, true));
    }

    /** What a sender was told is true: an element is received, or was refused. */
    @Test
    void closingAnywhereLosesNothingThatWasSent() {
        Seeded.repeat(100, seeded -> {
            RandomGenerator random = seeded.generator();
            var channel = new Channel<Integer>(random.nextInt(3));
            List<Caller<Integer>> senders = new ArrayList<>();
            List<Caller<Integer>> receivers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                senders.add(Caller.on(Kind.values()[random.nextInt(3)].threads, () -> {
                    int sent = 0;
                    try {
                        while (true) {
                            channel.send(1);
                            sent++;
                        }
                    } catch (ChannelClosedException e) {
                        return sent;
                    }
                }));
                receivers.add(
                        Caller.on(Kind.values()[random.nextInt(3)].threads, () -> (int) channel.stream().count()));
            }
            for (int spins = random.nextInt(20_000); spins > 0; spins--) {
                Thread.onSpinWait();
            }
            channel.close();
            int sent = 0;
            int received = 0;
            for (int i = 0; i < 3; i++) {
                sent += senders.get(i).result();
                received += receivers.get(i).result();
            }
            assertThat(received).isEqualTo(sent);
        });
    }
}
