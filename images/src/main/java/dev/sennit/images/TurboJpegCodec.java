package dev.sennit.images;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.images.internal.codec.Bitmap;
import dev.sennit.images.internal.codec.Decoded;
import dev.sennit.images.internal.codec.NativeCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The system's libturbojpeg, of Debian's package libturbojpeg0: JPEG only. It serves where Leptonica's jar is missing
 * or needs a newer libc. It uses the functions of version 2, which version 3 still has.
 *
 * <p>Every call creates and destroys a handle of its own, so threads share nothing. Pixels come as blue, green, red and
 * a filler or alpha in bytes, which is {@link Bitmap}'s order in a little-endian word.
 */
@SuppressWarnings("restricted") // NativeCode.isEnabled was asked
final class TurboJpegCodec implements Codec {
    private static final String LIBRARY = "libturbojpeg.so.0";
    private static final int BGRX = 3;
    private static final int BGRA = 8;
    private static final int CMYK = 11;
    private static final int SUBSAMPLING_420 = 2;
    private static final int FIRST_CMYK_SPACE = 3;
    private static final int LIMIT_SCANS = 32_768;
    private static final int FATAL = 1;

    private final MethodHandle initDecompress;
    private final MethodHandle decompressHeader;
    private final MethodHandle decompress;
    private final MethodHandle initCompress;
    private final MethodHandle compress;
    private final MethodHandle errorCode;
    private final MethodHandle errorText;
    private final MethodHandle destroy;
    private final MethodHandle free;

    private TurboJpegCodec(SymbolLookup library) {
        initDecompress = NativeCode.function(library, "tjInitDecompress", ADDRESS);
        decompressHeader = NativeCode.function(
                library,
                "tjDecompressHeader3",
                JAVA_INT,
                ADDRESS,
                ADDRESS,
                JAVA_LONG,
                ADDRESS,
                ADDRESS,
                ADDRESS,
                ADDRESS);
        decompress = NativeCode.function(
                library,
                "tjDecompress2",
                JAVA_INT,
                ADDRESS,
                ADDRESS,
                JAVA_LONG,
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT);
        initCompress = NativeCode.function(library, "tjInitCompress", ADDRESS);
        compress = NativeCode.function(
                library,
                "tjCompress2",
                JAVA_INT,
                ADDRESS,
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                ADDRESS,
                ADDRESS,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT);
        errorCode = NativeCode.function(library, "tjGetErrorCode", JAVA_INT, ADDRESS);
        errorText = NativeCode.function(library, "tjGetErrorStr2", ADDRESS, ADDRESS);
        destroy = NativeCode.function(library, "tjDestroy", JAVA_INT, ADDRESS);
        free = NativeCode.procedure(library, "tjFree", ADDRESS);
    }

    /** Loads the library, if the system has it. */
    static Optional<Codec> find() {
        if (!NativeCode.isEnabled() || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            return Optional.empty();
        }
        try {
            return Optional.of(new TurboJpegCodec(NativeCode.systemLibrary(LIBRARY)));
        } catch (RuntimeException | LinkageError e) { // not installed, or another library of that name
            return Optional.empty();
        }
    }

    @Override
    public String name() {
        return "turbojpeg";
    }

    @Override
    public boolean reads(ImageKind kind) {
        return kind == ImageKind.JPEG;
    }

    @Override
    public boolean writes(ImageKind kind) {
        return kind == ImageKind.JPEG;
    }

    @Override
    public Decoded decode(byte[] image, ImageHeader header, int reduction) throws ImageException {
        Arena pixelArena = Arena.ofConfined();
        boolean done = false;
        try (Handle handle = new Handle((MemorySegment) initDecompress.invokeExact());
                Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, image);
            MemorySegment facts = arena.allocate(JAVA_INT, 4); // width, height, subsampling, colour space
            int failed = (int) decompressHeader.invokeExact(
                    handle.pointer, bytes, bytes.byteSize(), facts, facts.asSlice(4), facts.asSlice(8),
                    facts.asSlice(12));
            ensureGoesOn(failed, handle, header);
            int width = reduced(facts.getAtIndex(JAVA_INT, 0), reduction);
            int height = reduced(facts.getAtIndex(JAVA_INT, 1), reduction);
            boolean fourInks = facts.getAtIndex(JAVA_INT, 3) >= FIRST_CMYK_SPACE;
            MemorySegment pixels = pixelArena.allocate(4L * width * height, 4);
            failed = (int) decompress.invokeExact(
                    handle.pointer,
                    bytes,
                    bytes.byteSize(),
                    pixels,
                    width,
                    0,
                    height,
                    fourInks ? CMYK : BGRX,
                    LIMIT_SCANS);
            ensureGoesOn(failed, handle, header);
            String damage = failed == 0 ? null : "damaged: " + handle.error();
            var picture = new Picture(pixelArena, pixels, width, height, fourInks ? Inks.of(image) : Inks.NONE, damage);
            done = true;
            return picture;
        } catch (ImageException e) {
            throw e;
        } catch (Throwable e) {
            throw NativeCode.unexpected(e);
        } finally {
            if (!done) {
                pixelArena.close();
            }
        }
    }

    private static int reduced(int side, int reduction) {
        return (side + reduction - 1) / reduction;
    }

    private static void ensureGoesOn(int failed, Handle handle, ImageHeader header) throws Throwable {
        if (failed != 0 && handle.isFatal()) {
            throw Codec.undecodable(header, handle.error());
        }
    }

    @Override
    public byte[] encode(Bitmap picture, ImageKind kind, int quality) throws ImageException {
        try (Handle handle = new Handle((MemorySegment) initCompress.invokeExact());
                Arena arena = Arena.ofConfined()) {
            MemorySegment pixels = arena.allocateFrom(JAVA_INT, picture.pixels());
            MemorySegment bytes = arena.allocate(ADDRESS);
            MemorySegment size = arena.allocate(JAVA_LONG);
            try {
                int failed = (int) compress.invokeExact(
                        handle.pointer,
                        pixels,
                        picture.width(),
                        0,
                        picture.height(),
                        BGRA,
                        bytes,
                        size,
                        SUBSAMPLING_420,
                        quality,
                        0);
                if (failed != 0) {
                    throw new ImageException(kind + " cannot be written: " + handle.error());
                }
                return bytes.get(ADDRESS, 0).reinterpret(size.get(JAVA_LONG, 0)).toArray(ValueLayout.JAVA_BYTE);
            } finally {
                free.invokeExact(bytes.get(ADDRESS, 0)); // the pointer may be null
            }
        } catch (ImageException e) {
            throw e;
        } catch (Throwable e) {
            throw NativeCode.unexpected(e);
        }
    }

    /** A handle of the library, for one call. */
    private final class Handle implements AutoCloseable {
        private final MemorySegment pointer;

        Handle(MemorySegment pointer) {
            if (pointer.equals(MemorySegment.NULL)) {
                throw new OutOfMemoryError("libturbojpeg has no memory");
            }
            this.pointer = pointer;
        }

        boolean isFatal() throws Throwable {
            return (int) errorCode.invokeExact(pointer) == FATAL;
        }

        String error() throws Throwable {
            MemorySegment text = (MemorySegment) errorText.invokeExact(pointer);
            return text.reinterpret(Integer.MAX_VALUE).getString(0).lines().findFirst().orElse("unknown");
        }

        @Override
        public void close() {
            try {
                int ignored = (int) destroy.invokeExact(pointer);
            } catch (Throwable e) {
                throw NativeCode.unexpected(e);
            }
        }
    }

    /**
     * How four inks are stored, as bytes of cyan, magenta, yellow and black: Adobe's programs invert them, and mark
     * that.
     */
    private enum Inks {
        NONE,
        PLAIN,
        INVERTED;

        static Inks of(byte[] image) throws ImageException {
            JpegSegments segments = new JpegSegments(image);
            while (segments.next()) {
                if (segments.marker() == 0xEE && segments.content().has(0, "Adobe")) {
                    return INVERTED;
                }
            }
            return PLAIN;
        }

        int toRgb(int blackYellowMagentaCyan) {
            int bits = this == PLAIN ? ~blackYellowMagentaCyan : blackYellowMagentaCyan;
            int black = bits >>> 24;
            return 0xFF000000
                    | (bits & 0xFF) * black / 255 << 16
                    | (bits >> 8 & 0xFF) * black / 255 << 8
                    | (bits >> 16 & 0xFF) * black / 255;
        }
    }

    private record Picture(
            Arena arena, MemorySegment pixels, int width, int height, Inks inks, @Nullable String damage)
            implements Decoded {
        @Override
        public boolean alpha() {
            return false;
        }

        @Override
        public void row(int y, int[] row) {
            MemorySegment.copy(pixels, JAVA_INT, 4L * width * y, row, 0, width);
            for (int x = 0; x < width; x++) {
                row[x] = inks == Inks.NONE ? row[x] | 0xFF000000 : inks.toRgb(row[x]);
            }
        }

        @Override
        public boolean isConverted() {
            return false;
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
