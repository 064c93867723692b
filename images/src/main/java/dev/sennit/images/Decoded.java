package dev.sennit.images;

import org.jspecify.annotations.Nullable;

/** A picture that a codec decoded, which may hold native memory: to be closed. For one thread. */
interface Decoded extends AutoCloseable {
    int width();

    int height();

    boolean alpha();

    /** Copies a row of pixels, as in {@link Bitmap}. */
    void row(int y, int[] pixels);

    /** Whether the colours are sRGB already, whatever profile the file has. */
    boolean isConverted();

    /** What the decoder found wrong with the file, though it went on; or null. */
    @Nullable String damage();

    @Override
    void close();
}
