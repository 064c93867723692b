package dev.sennit.cli.thumbnails;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.FilterReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.Reader;
import java.io.StringReader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InterruptibleReaderTest {
    @Test
    void readsWhatIsThereAndThenTheEnd() throws Exception {
        String text = "one\ntwo\n" + "long".repeat(10_000) + "\nlast";
        try (var reader = new InterruptibleReader(new StringReader(text))) {
            assertThat(reader.readAllAsString()).isEqualTo(text);
            assertThat(reader.read()).isEqualTo(-1);
            assertThat(reader.read()).isEqualTo(-1);
        }
    }

    @Test
    void aLineIsThereBeforeTheNextOneIs() throws Exception {
        try (var in = new PipedReader();
                var out = new PipedWriter(in);
                var reader = new BufferedReader(new InterruptibleReader(in))) {
            out.write("first\n");
            out.flush();
            assertThat(reader.readLine()).isEqualTo("first");
        }
    }

    @Test
    void whoWaitsCanBeInterruptedAndReadOn() throws Exception {
        try (var in = new PipedReader();
                var out = new PipedWriter(in);
                var reader = new InterruptibleReader(in)) {
            var outcome = new CompletableFuture<Throwable>();
            Thread waiting = Thread.ofVirtual().start(() -> {
                try {
                    outcome.completeExceptionally(new AssertionError("read " + reader.read()));
                } catch (IOException e) {
                    outcome.complete(e);
                }
            });
            waiting.interrupt();
            assertThat(outcome.get(30, TimeUnit.SECONDS)).isInstanceOf(InterruptedIOException.class);

            out.write('x');
            out.flush();
            assertThat(reader.read()).isEqualTo('x');
        }
    }

    @Test
    void closingItEndsItsThreadThatHasMore() throws Exception {
        var pump = new CompletableFuture<Thread>();
        var reader = new InterruptibleReader(telling(pump, new StringReader("x".repeat(100_000))));
        assertThat(reader.read()).isEqualTo('x');
        await().until(() -> pump.get().getState() == Thread.State.WAITING);
        reader.close();
        pump.get().join();
        assertThatThrownBy(reader::read).isInstanceOf(IOException.class).hasMessage("closed");
    }

    @Test
    void closingItEndsItsThreadThatWaits() throws Exception {
        try (var silent = new PipedReader(new PipedWriter())) {
            var pump = new CompletableFuture<Thread>();
            var reader = new InterruptibleReader(telling(pump, silent));
            Thread.currentThread().interrupt();
            assertThatThrownBy(reader::read).isInstanceOf(InterruptedIOException.class);
            assertThat(Thread.interrupted()).isTrue();
            Thread waiting = pump.get();
            reader.close();
            waiting.join();
        }
    }

    /** Tells which thread reads. */
    private static Reader telling(CompletableFuture<Thread> pump, Reader source) {
        return new FilterReader(source) {
            @Override
            public int read(char[] buffer, int offset, int length) throws IOException {
                pump.complete(Thread.currentThread());
                return super.read(buffer, offset, length);
            }
        };
    }

    @Test
    void aFailureIsToldToWhoReads() throws Exception {
        Reader broken = new Reader() {
            @Override
            public int read(char[] buffer, int offset, int length) throws IOException {
                throw new IOException("no disk");
            }

            @Override
            public void close() {}
        };
        try (var reader = new InterruptibleReader(broken)) {
            assertThatThrownBy(reader::read).isInstanceOf(IOException.class).hasMessage("no disk");
        }
    }
}
