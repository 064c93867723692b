package dev.sennit.server;

/**
 * The limits of a form with parts. {@link ServerSettings#bodySize} is the limit of all of them together.
 *
 * @param parts how many parts there may be
 * @param partSize how many bytes each may have
 * @param headerSize how many bytes the head of each may have
 * @param inMemory how many bytes of a part are kept in memory; a longer one is in a temporary file
 */
public record MultipartLimits(int parts, long partSize, int headerSize, int inMemory) {
    /** 100 parts, of any size that a body may have, with heads of 8 KiB; the first 64 KiB in memory. */
    public static final MultipartLimits DEFAULTS = new MultipartLimits(100, Long.MAX_VALUE, 8 << 10, 64 << 10);

    /** Checks the limits. */
    public MultipartLimits {
        ensureAtLeast("parts", parts, 1);
        ensureAtLeast("partSize", partSize, 1);
        ensureAtLeast("headerSize", headerSize, 64);
        ensureAtLeast("inMemory", inMemory, 0);
    }

    private static void ensureAtLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " must be >= " + least + ", was " + value);
        }
    }
}
