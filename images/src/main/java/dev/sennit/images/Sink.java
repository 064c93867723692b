package dev.sennit.images;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

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

    /** A part file in a folder, made when the first byte comes: those that wait for their turn have none open. */
    final class Part implements Sink, Closeable {
        private final Path folder;
        private @Nullable PartFile file;

        Part(Path folder) {
            this.folder = folder;
        }

        private PartFile file() throws IOException {
            if (file == null) {
                file = PartFile.create(folder);
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

        void moveTo(Path target) throws IOException, InterruptedException {
            file().moveTo(target, OutputFolder.Existing.REPLACE);
        }

        @Override
        public void close() throws IOException {
            if (file != null) {
                file.close();
            }
        }
    }
}
