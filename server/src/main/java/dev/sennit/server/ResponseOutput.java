package dev.sennit.server;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** The body of a response: what is small goes out at once with the head. Only the handler's thread. */
final class ResponseOutput extends OutputStream {
    private static final int BUFFER = 8 << 10;

    private final Call call;
    /** How many bytes are missing; less than 0 if nobody knows how many there are. */
    private long left;
    private final ByteBuffer buffer;
    private boolean isClosed;

    ResponseOutput(Call call, long length) {
        this.call = call;
        left = length;
        buffer = ByteBuffer.allocate(length < 0 ? BUFFER : (int) Math.min(length, BUFFER));
    }

    @Override
    public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        if (length == 0) {
            return; // also of a response without a body
        }
        if (isClosed) {
            throw new IOException("the response is closed");
        }
        if (left >= 0) {
            if (length > left) {
                throw new IOException("the response has " + (length - left) + " bytes more than its length says");
            }
            left -= length;
        }
        if (length <= buffer.remaining()) {
            buffer.put(bytes, from, length);
            return;
        }
        send(false);
        if (length <= buffer.capacity()) {
            buffer.put(bytes, from, length);
        } else {
            call.write(false, ByteBuffer.wrap(bytes, from, length));
        }
    }

    /** Writes bytes of a file, without reading them where the system can do so. */
    void transfer(FileChannel file, long from, long length) throws IOException {
        if (length > left) {
            throw new IOException("the response has " + (length - left) + " bytes more than its length says");
        }
        left -= length;
        if (length > buffer.remaining()) {
            send(false);
        }
        if (length <= buffer.remaining()) { // it goes out with the head
            int end = buffer.position() + (int) length;
            buffer.limit(end);
            Call.read(file, from, buffer);
            buffer.limit(buffer.capacity());
        } else {
            call.transfer(file, from, length);
        }
    }

    @Override
    public void flush() throws IOException {
        if (!isClosed) {
            send(false);
        }
    }

    /** Ends the response, if all of it is there. */
    @Override
    public void close() throws IOException {
        if (isClosed) {
            return;
        }
        isClosed = true;
        if (left > 0) {
            throw new IOException("the response has " + left + " bytes less than its length says");
        }
        send(true);
    }

    private void send(boolean isLast) throws IOException {
        buffer.flip();
        call.write(isLast, buffer);
        buffer.clear();
    }
}
