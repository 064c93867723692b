package dev.sennit.images;

import dev.sennit.images.internal.files.PartFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The target of a download. */
interface Sink {
    /** Adds bytes at the end. */
    void write(ByteBuffer bytes) throws IOException, InterruptedException;

    /** Returns the number of bytes so far. */
    long size();

    /** Discards all bytes. */
    void restart() throws IOException, InterruptedException;

    /** Memory that grows with the bytes that arrive, not with the length that a server announces. */
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

    /** A file that is created with the first byte: downloads that wait for their turn have no open file. */
    final class Part implements Sink, Closeable {
        private final Path target;
        private @Nullable PartFile file;

        Part(Path target) {
            this.target = target;
        }

        private PartFile file() throws IOException, InterruptedException {
            if (file == null) {
                file = PartFile.create(target);
            }
            return file;
        }

        @Override
        public void write(ByteBuffer bytes) throws IOException, InterruptedException {
            file().write(bytes);
        }

        @Override
        public long size() {
            return file == null ? 0 : file.size();
        }

        @Override
        public void restart() throws IOException, InterruptedException {
            if (file != null) {
                file.restart();
            }
        }

        void move() throws IOException, InterruptedException {
            file().replace();
        }

        @Override
        public void close() throws IOException {
            if (file != null) {
                file.close();
            }
        }
    }
}
