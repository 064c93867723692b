package dev.sennit.queue.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.When;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MessageTest {
    private static final Instant NOW = Instant.ofEpochMilli(1_795_216_592_671L);

    @Test
    void isReadAsItWasWritten() {
        byte[] argument = {'\n', 0, (byte) 0xFF, '{', '\n'};
        QueuedTask task = QueuedTask.of("work", argument).expires(When.after(Duration.ofSeconds(1))).build();
        Message message = Message.of(task, NOW, 7).with(3, 2, 1, new byte[] {0, 1});
        Message read = Message.read(message.bytes());
        assertThat(read).usingRecursiveComparison().isEqualTo(message);
        assertThat(read.expires()).isEqualTo(NOW.toEpochMilli() + 1000);
    }

    @Test
    void mayBeWrittenByHand() {
        Message read = Message.read("""
                {"at":1795216592671}
                {"id":"my-1","type":"thumbs.make","queue":"default"}
                {"path":"a.jpg"}""".getBytes(StandardCharsets.UTF_8));
        assertThat(read.task().id()).isEqualTo("my-1");
        assertThat(new String(read.task().payload(), StandardCharsets.UTF_8)).isEqualTo("{\"path\":\"a.jpg\"}");
        assertThat(read.attempts()).isZero();
    }

    @Test
    void saysWhatIsWrong() {
        refused("", "not the lines of a task");
        refused("{\"at\":1}\n{}", "not the lines of a task");
        refused("no\n{}\n", "first line is no JSON");
        refused("[]\n{}\n", "does not say when it was enqueued");
        refused("{\"at\":1,\"attempts\":-1}\n{\"id\":\"a\",\"type\":\"t\",\"queue\":\"q\"}\n", "attempts is no number");
        refused("{\"at\":1,\"crashes\":9999999999}\n{\"id\":\"a\",\"type\":\"t\",\"queue\":\"q\"}\n",
                "crashes is no count");
        refused("{\"at\":1,\"checkpoint\":7}\n{}\n", "checkpoint is no text");
        refused("{\"at\":1}\n{\"id\":\"a\"}\n", "it has no");
    }

    private static void refused(String text, String why) {
        assertThatThrownBy(() -> Message.read(text.getBytes(StandardCharsets.UTF_8))).hasMessageContaining(why);
    }

    @Test
    void ofMutatedMessagesNoneDoesAnythingElseThanRefuse() {
        var random = new SplittableRandom(42);
        byte[] bytes = Message.of(QueuedTask.of("work", new byte[] {'1'}).build(), NOW, 7)
                .with(1, 1, 1, new byte[] {1}).bytes();
        int refused = 0;
        int count = Integer.getInteger("sennit.mutations", 20_000);
        for (int i = 0; i < count; i++) {
            byte[] other = bytes.clone();
            for (int times = 1 + random.nextInt(4); times > 0; times--) {
                other[random.nextInt(other.length)] = (byte) random.nextInt(256);
            }
            try {
                Message.read(other);
            } catch (RuntimeException e) { // and no error of the JVM
                assertThat(e.getMessage()).isNotBlank();
                refused++;
            }
        }
        assertThat(refused).isPositive().isLessThan(count);
    }
}
