package dev.sennit.images;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The first frame of an animated WebP, as a WebP of its own, and its place on the canvas: decoders of single pictures
 * refuse animations.
 *
 * @param file a complete WebP file
 * @param left the left edge of the frame on the canvas
 * @param top the top edge of the frame on the canvas
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record WebpFrame(byte[] file, int left, int top) {
    private static final int FRAME_HEADER = 16;
    private static final byte ALPHA = 0x10;

    /** Returns the first frame; the file itself if it is no animation. */
    static WebpFrame firstOf(byte[] image, ImageHeader header) throws ImageException {
        RiffChunks chunks = new RiffChunks(image);
        while (chunks.next()) {
            if (chunks.is("ANMF")) {
                return of(chunks.content(), header);
            }
        }
        return new WebpFrame(image, 0, 0);
    }

    private static WebpFrame of(HeaderBytes frame, ImageHeader canvas) throws ImageException {
        int left = 2 * frame.u24(0);
        int top = 2 * frame.u24(3);
        int width = frame.u24(6) + 1;
        int height = frame.u24(9) + 1;
        if (left + width > canvas.width() || top + height > canvas.height()) {
            throw frame.problem("has a first frame larger than itself");
        }
        ByteArrayOutputStream chunks = new ByteArrayOutputStream();
        RiffChunks inner = new RiffChunks(frame, FRAME_HEADER);
        while (inner.next()) {
            if (inner.is("ALPH") || inner.is("VP8 ") || inner.is("VP8L")) {
                chunks.writeBytes(inner.whole().copy());
            }
        }
        ByteBuffer file = ByteBuffer.allocate(30 + chunks.size()).order(ByteOrder.LITTLE_ENDIAN);
        file.put("RIFF".getBytes(StandardCharsets.ISO_8859_1)).putInt(22 + chunks.size());
        file.put("WEBPVP8X".getBytes(StandardCharsets.ISO_8859_1)).putInt(10).putInt(ALPHA);
        putInt24(file, width - 1);
        putInt24(file, height - 1);
        return new WebpFrame(file.put(chunks.toByteArray()).array(), left, top);
    }

    private static void putInt24(ByteBuffer file, int value) {
        file.putShort((short) value).put((byte) (value >> 16));
    }
}
