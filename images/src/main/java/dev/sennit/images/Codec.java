package dev.sennit.images;

/**
 * A decoder and encoder: all that is not Java, or not ours, is behind this. Safe for several threads; one call uses one.
 *
 * <p>A codec is given headers that were checked. It does not turn pictures nor correct their colours.
 */
interface Codec {
    /** For settings and messages. */
    String name();

    boolean reads(ImageKind kind);

    boolean writes(ImageKind kind);

    /**
     * Decodes the first picture of a file.
     *
     * @param reduction 1, 2, 4 or 8: the result may be that much smaller, rounded up, if this is faster
     * @throws ImageException when it cannot
     */
    Decoded decode(byte[] image, ImageHeader header, int reduction) throws ImageException;

    /**
     * Encodes a picture, without any metadata.
     *
     * @param quality 1 to 100, of lossy formats
     * @throws ImageException when it cannot
     */
    byte[] encode(Bitmap picture, ImageKind kind, int quality) throws ImageException;

    /** A decoder that found nothing to make a picture of. */
    static ImageException undecodable(ImageHeader header, String reason) {
        return new ImageException(header + " that cannot be decoded: " + reason);
    }
}
