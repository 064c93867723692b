package dev.sennit.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.internal.Deadline;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A stream may be anybody's, and fail in any way: whoever waits for it is told. */
@Timeout(60)
class PumpedTransportTest {
    private static final List<Throwable> FAILURES =
            List.of(new IOException("broken"), new IllegalStateException("broken"), new AssertionError("broken"));

    @SuppressWarnings("unchecked") // which tells nobody but the compiler
    private static <T extends Throwable> RuntimeException thrown(Throwable failure) throws T {
        throw (T) failure;
    }

    @Test
    void aStreamThatFailsToReadEndsTheTransportWithItsFailure() throws Exception {
        for (Throwable failure : FAILURES) {
            var transport = PumpedTransport.of(
                    new InputStream() {
                        private boolean isRead;

                        @Override
                        public int read(byte[] bytes, int offset, int length) {
                            if (isRead) {
                                throw thrown(failure);
                            }
                            isRead = true;
                            bytes[offset] = 7;
                            return 1;
                        }

                        @Override
                        public int read() {
                            throw new AssertionError("is read in pieces");
                        }
                    },
                    "fails");
            transport.awaitReadable(Deadline.NEVER);
            ByteBuffer one = ByteBuffer.allocate(1);
            assertThat(transport.readNow(one)).isOne();
            assertThat(one.get(0)).isEqualTo((byte) 7);
            transport.awaitReadable(Deadline.NEVER);
            assertThatThrownBy(() -> transport.readNow(ByteBuffer.allocate(1)))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("fails: ")
                    .hasMessageEndingWith("broken")
                    .hasCause(failure);
            transport.close("done");
        }
    }

    @Test
    void aStreamThatFailsToWriteEndsTheTransportWithItsFailure() throws Exception {
        for (Throwable failure : FAILURES) {
            var transport = PumpedTransport.of(
                    new OutputStream() {
                        @Override
                        public void write(byte[] bytes, int offset, int length) {
                            throw thrown(failure);
                        }

                        @Override
                        public void write(int one) {
                            throw new AssertionError("is written in pieces");
                        }
                    },
                    "fails");
            ByteBuffer hello = StandardCharsets.UTF_8.encode("hello");
            assertThatThrownBy(() -> transport.write(hello, Deadline.NEVER))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("fails: ")
                    .hasMessageEndingWith("broken")
                    .hasCause(failure);
            transport.close("done");
        }
    }
}
