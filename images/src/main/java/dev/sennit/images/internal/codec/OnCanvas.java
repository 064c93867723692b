package dev.sennit.images.internal.codec;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The first frame of an animation on its canvas, which is transparent around the frame. */
public record OnCanvas(Decoded frame, int left, int top, int width, int height) implements Decoded {
    @Override
    public boolean alpha() {
        return frame.alpha() || frame.width() < width || frame.height() < height;
    }

    @Override
    public void row(int y, int[] pixels) {
        Arrays.fill(pixels, 0, width, 0);
        if (y >= top && y < top + frame.height()) {
            frame.row(y - top, pixels);
            System.arraycopy(pixels, 0, pixels, left, frame.width());
            Arrays.fill(pixels, 0, left, 0);
        }
    }

    @Override
    public boolean isConverted() {
        return frame.isConverted();
    }

    @Override
    public @Nullable String damage() {
        return frame.damage();
    }

    @Override
    public void close() {
        frame.close();
    }
}
