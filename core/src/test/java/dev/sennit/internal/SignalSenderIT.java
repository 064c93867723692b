package dev.sennit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** A process whose id is another's by now: here, one that says of itself that it is not the process that was meant. */
@Timeout(120)
@EnabledOnOs({OS.LINUX, OS.MAC})
class SignalSenderIT {
    /** A handle of a process that has ended, whose id a stranger has now. */
    private record Former(ProcessHandle stranger) implements ProcessHandle {
        @Override
        public long pid() {
            return stranger.pid();
        }

        @Override
        public boolean isAlive() {
            return false; // as the JDK finds, by the time when the stranger was started
        }

        @Override
        public Optional<ProcessHandle> parent() {
            return Optional.empty();
        }

        @Override
        public Stream<ProcessHandle> children() {
            return Stream.empty();
        }

        @Override
        public Stream<ProcessHandle> descendants() {
            return Stream.empty();
        }

        @Override
        public Info info() {
            return stranger.info();
        }

        @Override
        public CompletableFuture<ProcessHandle> onExit() {
            return CompletableFuture.completedFuture(this);
        }

        @Override
        public boolean supportsNormalTermination() {
            return true;
        }

        @Override
        public boolean destroy() {
            return false;
        }

        @Override
        public boolean destroyForcibly() {
            return false;
        }

        @Override
        public int compareTo(ProcessHandle other) {
            return stranger.compareTo(other);
        }
    }

    @Test
    void aStrangerThatHasTheIdNowIsNotHit() throws Exception {
        Process stranger = new ProcessBuilder("sleep", "1000").start();
        try {
            assertThat(SignalSender.send(new Former(stranger.toHandle()), SignalSender.numberOf("KILL"))).isFalse();
            assertThat(stranger.waitFor(Duration.ofMillis(100))).isFalse();
        } finally {
            assertThat(SignalSender.send(stranger.toHandle(), SignalSender.numberOf("KILL"))).isTrue();
            assertThat(stranger.waitFor()).isEqualTo(128 + 9);
        }
    }

    /** What the check rests on: handles of one id are the same only for processes of one start. */
    @Test
    void aHandleKnowsWhenItsProcessWasStarted() throws Exception {
        Process one = new ProcessBuilder("sleep", "1000").start();
        try {
            Instant start = one.toHandle().info().startInstant().orElseThrow();
            assertThat(start).isBefore(Instant.now().plusSeconds(1));
            assertThat(one.toHandle().isAlive()).isTrue();
        } finally {
            one.destroyForcibly().waitFor();
        }
        assertThat(one.toHandle().isAlive()).isFalse();
    }

    @Test
    void noDescriptorIsLeft() throws Exception {
        Process one = new ProcessBuilder("sleep", "1000").start();
        try {
            for (int i = 0; i < 3000; i++) { // more than a process may have open, as a rule
                assertThat(SignalSender.send(one.toHandle(), SignalSender.numberOf("CONT"))).isTrue();
                assertThat(SignalSender.send(new Former(one.toHandle()), SignalSender.numberOf("KILL"))).isFalse();
            }
        } finally {
            one.destroyForcibly().waitFor();
        }
    }

    @Test
    void theSystemsRefusalIsNamed() throws Exception {
        Process one = new ProcessBuilder("sleep", "1000").start();
        try {
            assertThatThrownBy(() -> SignalSender.numberOf("NONE")).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> SignalSender.send(one.toHandle(), 65))
                    .isInstanceOf(IllegalArgumentException.class);
        } finally {
            one.destroyForcibly().waitFor();
        }
    }
}
