package dev.sennit.images;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Where a download goes. */
interface Sink {
    /** Adds bytes at the end. */
    void write(ByteBuffer bytes) throws IOException, InterruptedException;

    /** How many are there. */
    long size();

    /** Forgets them all. */
    void restart() throws IOException, InterruptedException;

    /** Memory, which grows with what arrives and not with what a server announces. */
    final class Memory implements Sink {
        private byte[] bytes = new byte[1 << 16];
        private int size;

        @Override
        public void write(ByteBuffer more) {
            int count = more.remaining();
            if (count > bytes.length - size) {
                long twice = Math.max(2L * bytes.length, (long) size + count);
                bytes = Arrays.copyOf(bytes, (int) Math.min(twice, Downloader.MOST_IN_MEMORY));
            }
            more.get(bytes, size, count);
            size += count;
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public void restart() {
            size = 0;
        }

        byte[] bytes() {
            return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
        }
    }
}
