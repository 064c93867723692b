package dev.sennit.server.rest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Topics in memory, and the form of their events. */
@Timeout(60)
class InProcessTopicTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private static List<String> taken(Topic.Subscription subscription) throws InterruptedException {
        List<String> all = new ArrayList<>();
        for (var next = subscription.next(Duration.ZERO); next.isPresent(); next = subscription.next(Duration.ZERO)) {
            all.add(next.get().data());
        }
        return all;
    }

    @Test
    void eachSubscriberGetsWhatIsPublishedInOrder() throws Exception {
        Topic topic = Topic.inProcess(0);
        topic.publish("a", "before");
        try (var one = topic.subscribe(null, 10, SlowReader.CLOSE);
                var two = topic.subscribe(null, 10, SlowReader.CLOSE)) {
            topic.publish("a", "1");
            topic.publish("", "2");
            assertThat(taken(one)).containsExactly("1", "2");
            assertThat(taken(two)).containsExactly("1", "2");
            assertThat(one.missed()).isZero();
        }
        assertThat(topic.toString()).endsWith(", 3 events, 0 kept, 0 subscribers");
        assertThat(((InProcessTopic) topic).subscribers()).isZero();
    }

    @Test
    void aSlowSubscriberLosesTheOldestAndIsTold() throws Exception {
        Topic topic = Topic.inProcess(0);
        try (var slow = topic.subscribe(null, 2, SlowReader.DROP_OLDEST)) {
            for (int i = 1; i <= 5; i++) {
                topic.publish("", Integer.toString(i));
            }
            assertThat(slow.next(Duration.ZERO)).map(TopicEvent::data).contains("4");
            assertThat(slow.missed()).isEqualTo(3);
            assertThat(slow.missed()).isZero();
            assertThat(taken(slow)).containsExactly("5");
            assertThat(slow.hasEnded()).isFalse();
        }
    }

    @Test
    void aSlowSubscriberIsClosedIfItIsToBe() throws Exception {
        Topic topic = Topic.inProcess(0);
        try (var slow = topic.subscribe(null, 2, SlowReader.CLOSE)) {
            for (int i = 1; i <= 5; i++) {
                topic.publish("", Integer.toString(i));
            }
            assertThat(slow.hasEnded()).isFalse(); // there is something to take
            assertThat(taken(slow)).containsExactly("1", "2");
            assertThat(slow.hasEnded()).isTrue();
            assertThat(((InProcessTopic) topic).subscribers()).isZero();
        }
    }

    @Test
    void aSubscriberThatComesBackGetsWhatItHasMissed() throws Exception {
        Topic topic = Topic.inProcess(3);
        List<String> ids = new ArrayList<>();
        for (int i = 1; i <= 5; i++) {
            ids.add(topic.publish("", Integer.toString(i)).id());
        }
        String prefix = ids.getFirst().replaceAll("-.*", "-");
        long unknown = Topic.Subscription.UNKNOWN;
        record Case(String last, long missed, List<String> data) {}
        for (Case each : List.of(
                new Case(ids.get(4), 0, List.of()),
                new Case(ids.get(3), 0, List.of("5")),
                new Case(ids.get(1), 0, List.of("3", "4", "5")),
                new Case(ids.get(0), 1, List.of("3", "4", "5")),
                new Case("of-another", unknown, List.of("3", "4", "5")),
                new Case(prefix + "99", unknown, List.of("3", "4", "5")),
                new Case(prefix + "-1", unknown, List.of("3", "4", "5")),
                new Case(prefix + "x", unknown, List.of("3", "4", "5")))) {
            try (var again = topic.subscribe(each.last, 10, SlowReader.CLOSE)) {
                assertThat(again.missed()).as(each.last).isEqualTo(each.missed);
                assertThat(taken(again)).as(each.last).isEqualTo(each.data);
            }
        }
    }

    @Test
    void eventsThatAreReplayedNeedNoBuffer() throws Exception {
        Topic topic = Topic.inProcess(3);
        String first = topic.publish("", "1").id();
        for (int i = 2; i <= 4; i++) {
            topic.publish("", Integer.toString(i));
        }
        try (var closing = topic.subscribe(first, 2, SlowReader.CLOSE);
                var dropping = topic.subscribe(first, 2, SlowReader.DROP_OLDEST)) {
            topic.publish("", "5"); // a subscriber that comes back is not slow
            topic.publish("", "6");
            assertThat(closing.next(LONG)).map(TopicEvent::data).contains("2");
            topic.publish("", "7"); // now a third waits
            assertThat(taken(closing)).containsExactly("3", "4", "5", "6");
            assertThat(closing.hasEnded()).isTrue();
            assertThat(dropping.missed()).isEqualTo(1);
            assertThat(taken(dropping)).containsExactly("3", "4", "5", "6", "7");
            topic.publish("", "8");
            assertThat(taken(dropping)).containsExactly("8");
        }
    }

    @Test
    void anEndWakesTheWaitAndLeavesWhatIsThere() throws Exception {
        Topic topic = Topic.inProcess(0);
        try (var subscription = topic.subscribe(null, 10, SlowReader.CLOSE);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var next = CompletableFuture.supplyAsync(() -> {
                try {
                    return subscription.next(LONG);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }, threads);
            subscription.end();
            assertThat(next.get(30, TimeUnit.SECONDS)).isEmpty();
            topic.publish("", "too late");
            assertThat(subscription.next(LONG)).isEmpty();
            assertThat(subscription.hasEnded()).isTrue();
        }
        var closed = topic.subscribe(null, 10, SlowReader.CLOSE);
        topic.publish("", "dropped");
        closed.close();
        assertThat(closed.next(LONG)).isEmpty();
    }

    @Test
    void argumentsAreChecked() {
        assertThatIllegalArgumentException().isThrownBy(() -> Topic.inProcess(-1))
                .withMessage("history must be >= 0, was -1");
        Topic topic = Topic.inProcess(1);
        assertThatIllegalArgumentException().isThrownBy(() -> topic.subscribe(null, 0, SlowReader.CLOSE))
                .withMessage("buffer must be >= 1, was 0");
        assertThatIllegalArgumentException().isThrownBy(() -> topic.publish("a\nb", ""));
        assertThatIllegalArgumentException().isThrownBy(() -> new TopicEvent("a\0", "", ""));
        assertThatIllegalArgumentException().isThrownBy(() -> EventStreams.of(topic).most(0));
        assertThatIllegalArgumentException().isThrownBy(() -> EventStreams.of(topic).buffer(0, SlowReader.CLOSE));
        assertThatIllegalArgumentException().isThrownBy(() -> EventStreams.of(topic).heartbeat(Duration.ZERO));
        assertThatIllegalArgumentException().isThrownBy(() -> LongPolls.of(topic, 0, LONG));
        // a refused event takes no number
        assertThat(topic.publish("", "").id()).endsWith("-1");
    }

    @Test
    void dataOfManyLinesStaysOneEvent() {
        assertThat(EventText.of(new TopicEvent("7", "news", "a\nb\r\nc\rd\n")))
                .isEqualTo("id: 7\nevent: news\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
        assertThat(EventText.of(new TopicEvent("", "", ""))).isEqualTo("data: \n\n");
        assertThat(EventText.of("missed", "3")).isEqualTo("event: missed\ndata: 3\n\n");
        assertThat(EventText.retry(2000)).isEqualTo("retry: 2000\n\n");
        assertThat(Optional.of(EventText.comment("x"))).contains(": x\n\n");
    }
}
