package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ServiceLogTest {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    private static ServiceEvent died() {
        return new ServiceEvent(
                Instant.parse("2026-01-01T00:00:00Z"), "printer", 1, 7, ServiceEvent.Kind.DIED, 2, "no \"paper\"");
    }

    private String text() {
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aLineTellsTimeWorkerAndStream() {
        try (var log = ServiceLog.to(written, ServiceLog.Format.TEXT)) {
            log.line("printer", 1, false, "page 1");
            log.line("printer", 1, true, "no paper");
            log.event(died());
        }
        assertThat(text().lines().map(line -> line.replaceFirst("^\\d{4}-\\d\\d-\\d\\dT[0-9:.]{12}Z ", "")))
                .containsExactly(
                        "printer(1) out: page 1", "printer(1) err: no paper", "printer(1) DIED: no \"paper\", pid 7");
    }

    /** Services come and go while the log is there. */
    @Test
    void aWorkerWhoseLinesAreWrittenIsForgotten() {
        try (var log = ServiceLog.to(written, ServiceLog.Format.TEXT)) {
            for (int i = 0; i < 100; i++) {
                log.line("printer-" + i, 0, false, "page 1");
            }
            await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(log.lanes()).isZero());
            log.line("printer-0", 0, false, "page 2");
        }
        assertThat(text().lines()).hasSize(101).last().asString().endsWith("printer-0(0) out: page 2");
    }

    @Test
    void jsonIsEscaped() {
        try (var log = ServiceLog.to(written, ServiceLog.Format.JSON)) {
            log.line("printer", 1, true, "a\"b\\c\td\ud800");
            log.event(died());
        }
        assertThat(text().lines().map(line -> line.replaceFirst("\"time\":\"[^\"]*\",", ""))).containsExactly(
                "{\"service\":\"printer\",\"worker\":1,\"stream\":\"err\",\"line\":\"a\\\"b\\\\c\\u0009d\\ud800\"}",
                "{\"service\":\"printer\",\"worker\":1,\"event\":\"DIED\",\"pid\":7,\"generation\":2,"
                        + "\"why\":\"no \\\"paper\\\"\"}");
    }

    /** A reader that stands still: a flood of one worker is bounded, and another's lines come through. */
    @Test
    void aFloodIsCutAndSaysSo() throws Exception {
        var stands = new CountDownLatch(1);
        var goesOn = new CountDownLatch(1);
        var out = new OutputStream() {
            @Override
            public void write(int one) {
                written.write(one);
            }

            @Override
            public void write(byte[] bytes, int from, int length) {
                stands.countDown();
                try {
                    goesOn.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                written.write(bytes, from, length);
            }
        };
        var log = ServiceLog.to(out, ServiceLog.Format.TEXT);
        log.line("flood", 0, false, "first");
        stands.await();
        for (int i = 0; i < 100_000; i++) {
            log.line("flood", 0, false, "many lines");
        }
        log.line("quiet", 0, false, "heard");
        assertThat(log.dropped()).isBetween(90_000L, 99_999L);
        long dropped = log.dropped();
        goesOn.countDown();
        log.close();
        assertThat(text()).contains(" quiet(0) out: heard\n", " " + dropped + " lines of flood(0) are missing");
        assertThat(text().lines().filter(line -> line.endsWith("many lines")).count())
                .isEqualTo(100_000 - dropped);
    }

    @Test
    void aTargetThatFailsEndsWithTheLog() {
        var out = new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                throw new IOException("no space left on device");
            }
        };
        var log = ServiceLog.to(out, ServiceLog.Format.TEXT);
        log.line("printer", 0, false, "lost");
        log.line("printer", 0, false, "lost too");
        log.close();
        assertThat(log.dropped()).isBetween(1L, 2L);
    }

    @Test
    void aFileThatWasRenamedIsOpenedAnew(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("services.log");
        try (var log = ServiceLog.to(file, ServiceLog.Format.TEXT)) {
            log.line("printer", 0, false, "one");
            while (!Files.readString(file).contains("one")) {
                Thread.onSpinWait();
            }
            Files.move(file, folder.resolve("old.log"));
            log.reopen();
            log.line("printer", 0, false, "two");
        }
        assertThat(Files.readString(folder.resolve("old.log"))).contains("one").doesNotContain("two");
        assertThat(Files.readString(file)).contains("two");
    }

    private static String behindTime(String line) {
        return line.replaceFirst("^\\S+Z ", "");
    }

    @Test
    void aFollowerReadsThePastAndWhatComes() throws Exception {
        var log = ServiceLog.to(written, ServiceLog.Format.TEXT);
        log.line("a", 0, false, "1");
        log.line("b", 0, false, "2");
        log.line("a", 0, false, "3");
        LogFollower follower = log.follow(1, "a");
        LogFollower all = log.follow(10, "");
        log.line("b", 0, false, "4");
        log.line("a", 0, false, "5");
        log.note("told");
        assertThat(behindTime(follower.next(Duration.ofSeconds(9)))).isEqualTo("a(0) out: 3");
        assertThat(behindTime(follower.next(Duration.ofSeconds(9)))).isEqualTo("a(0) out: 5");
        assertThat(follower.next(Duration.ZERO)).isNull();
        assertThat(follower.isOver()).isFalse();
        for (String expected : List.of("a(0) out: 1", "b(0) out: 2", "a(0) out: 3", "b(0) out: 4", "a(0) out: 5")) {
            assertThat(behindTime(all.next(Duration.ofSeconds(9)))).isEqualTo(expected);
        }
        log.close();
        assertThat(behindTime(all.next(Duration.ofSeconds(9)))).isEqualTo("manager: told");
        assertThat(all.next(Duration.ofSeconds(9))).isNull();
        assertThat(all.isOver()).isTrue();
        assertThat(log.follow(0, "").isOver()).isTrue();
    }

    /** Nobody reads: what it holds is bounded, and it says how many lines are missing. */
    @Test
    void aFollowerThatIsSlowMissesLines() throws Exception {
        String line = "x".repeat(1 << 16);
        try (var log = ServiceLog.to(OutputStream.nullOutputStream(), ServiceLog.Format.TEXT);
                LogFollower follower = log.follow(0, "")) {
            int taken = 0;
            for (int i = 0; i < 40; i++) {
                follower.offer("a", line);
            }
            for (String next = follower.next(Duration.ZERO); next != null; next = follower.next(Duration.ZERO)) {
                assertThat(next).isEqualTo(line);
                taken++;
            }
            assertThat(taken).isBetween(15, 18);
            follower.offer("a", "last");
            assertThat(follower.next(Duration.ZERO))
                    .isEqualTo("(" + (40 - taken) + " lines are missing here: they came too quickly for this reader)");
            assertThat(follower.next(Duration.ZERO)).isEqualTo("last");
        }
    }

    @Test
    void followersAreBoundedAndFreed() {
        try (var log = ServiceLog.to(written, ServiceLog.Format.TEXT)) {
            List<LogFollower> all = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                all.add(log.follow(0, ""));
            }
            assertThatThrownBy(() -> log.follow(0, "")).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("64 follow the log already");
            all.getFirst().close();
            log.follow(0, "").close();
            assertThatThrownBy(() -> log.follow(-1, "")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aNoteIsOfNoService() {
        try (var log = ServiceLog.to(written, ServiceLog.Format.JSON)) {
            log.note("told \"twice\"");
        }
        assertThat(text()).endsWith("\"manager\":\"told \\\"twice\\\"\"}\n");
    }
}
