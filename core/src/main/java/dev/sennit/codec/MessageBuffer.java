package dev.sennit.codec;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A message under construction: a byte array that grows, and is read in place. Numbers are little-endian. */
public final class MessageBuffer extends OutputStream {
    /** The longest array that every JVM can allocate. */
    static final int LONGEST = Integer.MAX_VALUE - 8;

    private static final int FIRST = 512;

    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private byte[] bytes;
    private int length;

    public MessageBuffer() {
        bytes = new byte[FIRST];
    }

    private MessageBuffer(byte[] written) {
        bytes = written;
        length = written.length;
    }

    /** Returns a message of these bytes, which are not copied. */
    public static MessageBuffer of(byte[] written) {
        return new MessageBuffer(written);
    }

    public byte[] bytes() {
        return bytes;
    }

    public int length() {
        return length;
    }

    /** Returns the written bytes in an array of their own. */
    public byte[] copy() {
        return Arrays.copyOf(bytes, length);
    }

    /** Discards the written bytes. */
    public void clear() {
        length = 0;
    }

    @Override
    public void write(int value) throws IOException {
        grow(1);
        bytes[length++] = (byte) value;
    }

    void writeInt(int value) throws IOException {
        grow(Integer.BYTES);
        INTS.set(bytes, length, value);
        length += Integer.BYTES;
    }

    void writeLong(long value) throws IOException {
        grow(Long.BYTES);
        LONGS.set(bytes, length, value);
        length += Long.BYTES;
    }

    @Override
    public void write(byte[] source, int offset, int count) throws IOException {
        grow(count);
        System.arraycopy(source, offset, bytes, length, count);
        length += count;
    }

    /** Reserves room for bytes that the caller puts into {@link #bytes} itself; returns the offset. */
    int skip(long count) throws IOException {
        grow(count);
        int place = length;
        length += (int) count;
        return place;
    }

    private void grow(long more) throws IOException {
        if (more > bytes.length - length) {
            long needed = length + more;
            if (needed > LONGEST) {
                throw new IOException("larger than 2 GiB");
            }
            // Some more than needed, as a large array is rarely the last of a message.
            bytes = Arrays.copyOf(bytes, (int) Math.min(LONGEST, Math.max(needed + FIRST, 2L * bytes.length)));
        }
    }
}
