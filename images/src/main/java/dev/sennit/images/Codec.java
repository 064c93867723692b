package dev.sennit.images;

import dev.sennit.images.internal.codec.Bitmap;
import dev.sennit.images.internal.codec.Decoded;

/**
 * A decoder and encoder: all native code and code of others is behind this interface. Thread-safe; a call uses only its
 * own thread.
 *
 * <p>The headers that a codec gets were checked. It neither turns pictures nor corrects their colours.
 */
interface Codec {
    /** Returns the codec's name, for settings and messages. */
    String name();

    boolean reads(ImageKind kind);

    boolean writes(ImageKind kind);

    /**
     * Decodes the first picture of a file.
     *
     * @param reduction 1, 2, 4 or 8: the result may be that much smaller, rounded up, if this is faster
     * @throws ImageException if the picture cannot be decoded
     */
    Decoded decode(byte[] image, ImageHeader header, int reduction) throws ImageException;

    /**
     * Encodes a picture, without any metadata.
     *
     * @param quality 1 to 100, of lossy formats
     * @throws ImageException if the picture cannot be encoded
     */
    byte[] encode(Bitmap picture, ImageKind kind, int quality) throws ImageException;

    /** Returns the exception of a decoder that cannot decode an image. */
    static ImageException undecodable(ImageHeader header, String reason) {
        return new ImageException(header + " that cannot be decoded: " + reason);
    }
}
