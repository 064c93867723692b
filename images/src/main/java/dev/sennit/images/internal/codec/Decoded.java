package dev.sennit.images.internal.codec;

import org.jspecify.annotations.Nullable;

/** A decoded picture. It may hold native memory, so close it. For one thread. */
public interface Decoded extends AutoCloseable {
    int width();

    int height();

    boolean alpha();

    /** Copies a row of pixels, as in {@link Bitmap}. */
    void row(int y, int[] pixels);

    /** Returns whether the colours are sRGB already, despite any profile in the file. */
    boolean isConverted();

    /** Returns the damage that the decoder has found and passed over; null if none. */
    @Nullable String damage();

    @Override
    void close();
}
