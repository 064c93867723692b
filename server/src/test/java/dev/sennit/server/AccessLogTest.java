package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.server.FrontSettings.AccessFormat;
import dev.sennit.server.traffic.AccessLog;
import dev.sennit.server.traffic.LogFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Lines of the access log, and what becomes of them. */
@Timeout(60)
class AccessLogTest {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05.678901Z");

    @TempDir
    Path folder;

    private static AccessLine line(@Nullable String target, @Nullable String agent) {
        return new AccessLine(
                TIME, "203.0.113.7", "a1-2", target == null ? null : "GET", target, "HTTP/1.1", 200, 1234, null, agent,
                1_500_000, 2_000_001_999, true);
    }

    private static String text(AccessLine line, AccessFormat format) {
        return new String(line.bytes(format), StandardCharsets.UTF_8);
    }

    // ---- lines ----

    @Test
    void combined() {
        assertThat(text(line("/a?b=c", "curl/8"), AccessFormat.COMBINED)).isEqualTo(
                "203.0.113.7 - - [02/Jan/2026:03:04:05 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234 \"-\" \"curl/8\" a1-2 "
                        + "0.001500 2.000001 whole\n");
        assertThat(text(line(null, null), AccessFormat.COMBINED)).contains("] \"-\" 200 1234 \"-\" \"-\" a1-2 ");
    }

    @Test
    void json() {
        assertThat(text(line("/a", "curl/8"), AccessFormat.JSON)).isEqualTo(
                "{\"time\":\"2026-01-02T03:04:05.678Z\",\"client\":\"203.0.113.7\",\"id\":\"a1-2\",\"method\":\"GET\","
                        + "\"target\":\"/a\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":1234,\"referer\":null,"
                        + "\"agent\":\"curl/8\",\"queueMillis\":1.500,\"handlerMillis\":2000.001,\"whole\":true}\n");
    }

    @Test
    void noValueEndsItsQuotesOrItsLine() {
        String evil = "\"\\\r\n\u001b[31m\u0000\u007f\u00e9\u2028\ud83d\ude00";
        assertThat(text(line("/", evil), AccessFormat.COMBINED))
                .contains("\"\\\"\\\\\\x0d\\x0a\\x1b[31m\\x00\\x7f\\xe9\\u2028\\ud83d\\ude00\"");
        assertThat(text(line("/", evil), AccessFormat.JSON))
                .contains("\"\\\"\\\\\\u000d\\u000a\\u001b[31m\\u0000\\u007f\\u00e9\\u2028\\ud83d\\ude00\"");
        for (AccessFormat format : AccessFormat.values()) {
            byte[] bytes = line(evil, evil).bytes(format);
            for (int i = 0; i < bytes.length - 1; i++) {
                assertThat(bytes[i]).isBetween((byte) ' ', (byte) '~');
            }
            assertThat(bytes[bytes.length - 1]).isEqualTo((byte) '\n');
            assertThat(line("/" + "x".repeat(100_000), "y".repeat(100_000)).bytes(format)).hasSizeLessThan(5000);
        }
    }

    @Test
    void theMostThatASettingTakes() {
        assertThatThrownBy(() -> FrontSettings.DEFAULTS.accessLog(""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("accessLog must be none, stdout or a file, was \"\"");
    }

    // ---- the writer ----

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Writes into memory, once the test lets it. */
    private static final class HeldSink implements AccessLog.Sink {
        final CountDownLatch began = new CountDownLatch(1);
        final CountDownLatch mayGoOn = new CountDownLatch(1);
        final ByteArrayOutputStream written = new ByteArrayOutputStream();

        @Override
        public void write(ByteBuffer lines) throws IOException {
            began.countDown();
            try {
                mayGoOn.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            byte[] all = new byte[lines.remaining()];
            lines.get(all);
            written.writeBytes(all);
        }
    }

    @Test
    void whatHasNoRoomIsDroppedAndCounted() throws Exception {
        HeldSink sink = new HeldSink();
        AccessLog log = new AccessLog(sink, 10);
        log.add(bytes("first\n"));
        sink.began.await(); // and does not end, as a disk that hangs
        log.add(bytes("second\n"));
        log.add(bytes("third\n"));
        log.add(bytes("4\n"));
        assertThat(log.dropped()).isEqualTo(1);
        sink.mayGoOn.countDown();
        log.close();
        assertThat(sink.written).hasToString("first\nsecond\n4\n");
        log.add(bytes("late\n"));
        assertThat(log.dropped()).isEqualTo(2);
    }

    @Test
    void whatCannotBeWrittenIsDroppedAndCounted() throws Exception {
        var isFull = new AtomicBoolean(true);
        var attempts = new CountDownLatch(1);
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        AccessLog log = new AccessLog(lines -> {
            if (isFull.get()) {
                lines.get(new byte[3]); // of "one\n"
                attempts.countDown();
                throw new IOException("No space left on device");
            }
            byte[] all = new byte[lines.remaining()];
            lines.get(all);
            written.writeBytes(all);
        });
        log.add(bytes("one\n"));
        attempts.await();
        while (log.dropped() == 0) {
            Thread.onSpinWait();
        }
        isFull.set(false);
        log.add(bytes("two\n"));
        log.close();
        assertThat(log.dropped()).isEqualTo(1);
        assertThat(written).hasToString("two\n");
    }

    @Test
    void anErrorOfTheSinkDoesNotEndTheLog() throws Exception {
        var hasFailed = new AtomicBoolean();
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        AccessLog log = new AccessLog(lines -> {
            if (hasFailed.compareAndSet(false, true)) {
                throw new OutOfMemoryError("on purpose");
            }
            byte[] all = new byte[lines.remaining()];
            lines.get(all);
            written.writeBytes(all);
        });
        log.add(bytes("one\n"));
        Waiting.until(() -> log.dropped() == 1);
        log.add(bytes("two\n"));
        log.close();
        assertThat(log.dropped()).isEqualTo(1);
        assertThat(written).hasToString("two\n");
    }

    @Test
    void linesThatStandardOutputDidNotTakeAreCounted() {
        PrintStream out = System.out;
        AccessLog.Sink sink;
        try {
            System.setOut(new PrintStream(new OutputStream() {
                @Override
                public void write(int one) throws IOException {
                    throw new IOException("Broken pipe");
                }
            }));
            sink = LogFile.standardOutput();
        } finally {
            System.setOut(out);
        }
        AccessLog log = new AccessLog(sink);
        log.add(bytes("one\n"));
        log.close();
        assertThat(log.dropped()).isEqualTo(1);
    }

    // ---- the file ----

    @Test
    void aFileThatWasMovedIsMadeAgain() throws Exception {
        Path path = folder.resolve("log/access.log");
        LogFile file = new LogFile(path, 0);
        file.write(ByteBuffer.wrap(bytes("a\n")));
        file.write(ByteBuffer.wrap(bytes("b\n")));
        Files.move(path, folder.resolve("old.log"));
        file.write(ByteBuffer.wrap(bytes("c\n")));
        Files.delete(path);
        file.write(ByteBuffer.wrap(bytes("d\n")));
        assertThat(folder.resolve("old.log")).hasContent("a\nb\n");
        assertThat(path).hasContent("d\n");
        Files.writeString(path, "e\n"); // copytruncate: it appends
        file.write(ByteBuffer.wrap(bytes("f\n")));
        assertThat(path).hasContent("e\nf\n");
    }
}
