package dev.sennit.process;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;

/** A message being made: a byte array that grows, and is read where it lies. */
final class MessageBuffer extends OutputStream {
    /** The longest array the JVM is sure to give. */
    private static final int LONGEST = Integer.MAX_VALUE - 8;

    private byte[] bytes = new byte[512];
    private int length;

    byte[] bytes() {
        return bytes;
    }

    int length() {
        return length;
    }

    @Override
    public void write(int value) throws IOException {
        grow(1);
        bytes[length++] = (byte) value;
    }

    @Override
    public void write(byte[] source, int offset, int count) throws IOException {
        grow(count);
        System.arraycopy(source, offset, bytes, length, count);
        length += count;
    }

    private void grow(int more) throws IOException {
        if (more > bytes.length - length) {
            long needed = (long) length + more;
            if (needed > LONGEST) {
                throw new IOException("larger than 2 GiB");
            }
            bytes = Arrays.copyOf(bytes, (int) Math.min(LONGEST, Math.max(needed, 2L * bytes.length)));
        }
    }
}
