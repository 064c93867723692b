package dev.sennit.images;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sennit.images.internal.codec.Bitmap;
import dev.sennit.images.internal.codec.Decoded;
import dev.sennit.images.internal.codec.NativeCode;
import dev.sennit.images.internal.codec.OnCanvas;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Leptonica with libjpeg-turbo and libwebp inside, from Bytedeco's jar on Maven Central: a C library of 6 MB that needs
 * only libc. It reads and writes JPEG and WebP here; it misreads some PNGs (their transparent colour).
 *
 * <p>It decodes a JPEG at a half, a quarter or an eighth of its size, and counts libjpeg's warnings, which reveal
 * damage in the middle of a picture. libjpeg also prints the first warning of a picture to stderr; that cannot be
 * prevented.
 *
 * <p>Leptonica's picture ({@code PIX}) is rows of 32-bit words, each red, green, blue and alpha from the highest byte
 * down; a grey picture has four pixels in a word, again the highest byte first. No pointer outlives the call or the
 * {@link Decoded} that it belongs to.
 */
@SuppressWarnings("restricted") // NativeCode.isEnabled was asked
final class LeptonicaCodec implements Codec {
    private static final int KEEP_DAMAGED = 2;
    private static final int NO_MESSAGES = 6;

    private final MethodHandle readJpeg;
    private final MethodHandle readWebp;
    private final MethodHandle writeJpeg;
    private final MethodHandle writeWebp;
    private final MethodHandle create;
    private final MethodHandle destroy;
    private final MethodHandle width;
    private final MethodHandle height;
    private final MethodHandle depth;
    private final MethodHandle samples;
    private final MethodHandle setSamples;
    private final MethodHandle wordsPerRow;
    private final MethodHandle data;
    private final MethodHandle free;

    private LeptonicaCodec(SymbolLookup library) throws Throwable {
        readJpeg = NativeCode.function(
                library, "pixReadMemJpeg", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
        readWebp = NativeCode.function(library, "pixReadMemWebP", ADDRESS, ADDRESS, JAVA_LONG);
        writeJpeg = NativeCode.function(
                library, "pixWriteMemJpeg", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT);
        writeWebp = NativeCode.function(
                library, "pixWriteMemWebP", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT);
        create = NativeCode.function(library, "pixCreate", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT);
        destroy = NativeCode.procedure(library, "pixDestroy", ADDRESS);
        width = NativeCode.function(library, "pixGetWidth", JAVA_INT, ADDRESS);
        height = NativeCode.function(library, "pixGetHeight", JAVA_INT, ADDRESS);
        depth = NativeCode.function(library, "pixGetDepth", JAVA_INT, ADDRESS);
        samples = NativeCode.function(library, "pixGetSpp", JAVA_INT, ADDRESS);
        setSamples = NativeCode.function(library, "pixSetSpp", JAVA_INT, ADDRESS, JAVA_INT);
        wordsPerRow = NativeCode.function(library, "pixGetWpl", JAVA_INT, ADDRESS);
        data = NativeCode.function(library, "pixGetData", ADDRESS, ADDRESS);
        free = NativeCode.procedure(library, "lept_free", ADDRESS);
        int ignored = (int) NativeCode.function(library, "setMsgSeverity", JAVA_INT, JAVA_INT)
                .invokeExact(NO_MESSAGES);
    }

    /** Loads the library, if its jar is there and supports this system. */
    static Optional<Codec> find() {
        String processor = switch (System.getProperty("os.arch", "")) {
            case "amd64", "x86_64" -> "x86_64";
            case "aarch64" -> "arm64";
            default -> "";
        };
        if (!NativeCode.isEnabled() || processor.isEmpty() || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            return Optional.empty();
        }
        try {
            return Optional.of(new LeptonicaCodec(NativeCode.bundledLibrary(
                    "org/bytedeco/leptonica/linux-" + processor + "/libleptonica.so.6")));
        } catch (Throwable e) { // no jar, an older libc, a container without memory files: the JDK's codec remains
            return Optional.empty();
        }
    }

    @Override
    public String name() {
        return "leptonica";
    }

    @Override
    public boolean reads(ImageKind kind) {
        return kind == ImageKind.JPEG || kind == ImageKind.WEBP;
    }

    @Override
    public boolean writes(ImageKind kind) {
        return kind == ImageKind.JPEG || kind == ImageKind.WEBP;
    }

    @Override
    public Decoded decode(byte[] image, ImageHeader header, int reduction) throws ImageException {
        if (header.kind() == ImageKind.JPEG) {
            return decodeJpeg(image, header, reduction);
        }
        WebpFrame frame = WebpFrame.firstOf(image, header);
        return new OnCanvas(
                decodeWebp(frame.file(), header), frame.left(), frame.top(), header.width(), header.height());
    }

    private Picture decodeJpeg(byte[] image, ImageHeader header, int reduction) throws ImageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, image);
            MemorySegment warnings = arena.allocate(JAVA_INT);
            MemorySegment read =
                    (MemorySegment) readJpeg.invokeExact(bytes, bytes.byteSize(), 0, reduction, warnings, KEEP_DAMAGED);
            int count = warnings.get(JAVA_INT, 0);
            return picture(read, header, count == 0 ? null : "damaged: the decoder has " + count + " warnings");
        } catch (ImageException e) {
            throw e;
        } catch (Throwable e) {
            throw NativeCode.unexpected(e);
        }
    }

    private Picture decodeWebp(byte[] image, ImageHeader header) throws ImageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, image);
            return picture((MemorySegment) readWebp.invokeExact(bytes, bytes.byteSize()), header, null);
        } catch (ImageException e) {
            throw e;
        } catch (Throwable e) {
            throw NativeCode.unexpected(e);
        }
    }

    private Picture picture(MemorySegment pix, ImageHeader header, @Nullable String damage) throws Throwable {
        if (pix.equals(MemorySegment.NULL)) {
            throw Codec.undecodable(header, "its data are damaged, or of a kind that is not supported");
        }
        return new Picture(pix, damage);
    }

    private void destroy(MemorySegment pix) {
        try (Arena arena = Arena.ofConfined()) {
            destroy.invokeExact(arena.allocateFrom(ADDRESS, pix));
        } catch (Throwable e) {
            throw NativeCode.unexpected(e);
        }
    }

    @Override
    public byte[] encode(Bitmap picture, ImageKind kind, int quality) throws ImageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pix = (MemorySegment) create.invokeExact(picture.width(), picture.height(), 32);
            if (pix.equals(MemorySegment.NULL)) {
                throw new OutOfMemoryError("no memory for a picture of " + picture.width() + "x" + picture.height());
            }
            try {
                fill(pix, picture);
                MemorySegment bytes = arena.allocate(ADDRESS);
                MemorySegment size = arena.allocate(JAVA_LONG);
                MethodHandle write = kind == ImageKind.JPEG ? writeJpeg : writeWebp;
                int failed = (int) write.invokeExact(bytes, size, pix, quality, 0);
                if (failed != 0) {
                    free.invokeExact(bytes.get(ADDRESS, 0)); // output of an earlier call
                    throw new ImageException(
                            kind + " of " + picture.width() + "x" + picture.height() + " cannot be written");
                }
                return take(bytes.get(ADDRESS, 0), size.get(JAVA_LONG, 0));
            } finally {
                destroy(pix);
            }
        } catch (ImageException e) {
            throw e;
        } catch (Throwable e) {
            throw NativeCode.unexpected(e);
        }
    }

    private void fill(MemorySegment pix, Bitmap picture) throws Throwable {
        int[] words = new int[picture.pixels().length];
        for (int i = 0; i < words.length; i++) {
            words[i] = Integer.rotateLeft(picture.pixels()[i], 8);
        }
        MemorySegment pixels = ((MemorySegment) data.invokeExact(pix)).reinterpret(4L * words.length);
        MemorySegment.copy(words, 0, pixels, JAVA_INT, 0, words.length);
        int ignored = (int) setSamples.invokeExact(pix, picture.alpha() ? 4 : 3);
    }

    private byte[] take(MemorySegment bytes, long size) throws Throwable {
        try {
            return bytes.reinterpret(size).toArray(ValueLayout.JAVA_BYTE);
        } finally {
            free.invokeExact(bytes);
        }
    }

    private final class Picture implements Decoded {
        private final MemorySegment pix;
        private final int pictureWidth;
        private final int pictureHeight;
        private final int rowWords;
        private final boolean grey;
        private final boolean alpha;
        private final MemorySegment words;
        private final @Nullable String damage;

        Picture(MemorySegment pix, @Nullable String damage) throws Throwable {
            this.pix = pix;
            this.damage = damage;
            pictureWidth = (int) width.invokeExact(pix);
            pictureHeight = (int) height.invokeExact(pix);
            rowWords = (int) wordsPerRow.invokeExact(pix);
            grey = (int) depth.invokeExact(pix) == 8;
            alpha = (int) samples.invokeExact(pix) == 4;
            words = ((MemorySegment) data.invokeExact(pix)).reinterpret(4L * rowWords * pictureHeight);
        }

        @Override
        public int width() {
            return pictureWidth;
        }

        @Override
        public int height() {
            return pictureHeight;
        }

        @Override
        public boolean alpha() {
            return alpha;
        }

        @Override
        public void row(int y, int[] pixels) {
            if (grey) {
                greyRow(y, pixels);
                return;
            }
            MemorySegment.copy(words, JAVA_INT, 4L * rowWords * y, pixels, 0, pictureWidth);
            int opaque = alpha ? 0 : 0xFF000000;
            for (int x = 0; x < pictureWidth; x++) {
                pixels[x] = Integer.rotateRight(pixels[x], 8) | opaque;
            }
        }

        private void greyRow(int y, int[] pixels) {
            for (int x = 0; x < pictureWidth; x++) {
                int word = words.getAtIndex(JAVA_INT, (long) rowWords * y + x / 4);
                int value = word >>> 24 - 8 * (x % 4) & 0xFF;
                pixels[x] = 0xFF000000 | value << 16 | value << 8 | value;
            }
        }

        @Override
        public boolean isConverted() {
            return false;
        }

        @Override
        public @Nullable String damage() {
            return damage;
        }

        @Override
        public void close() {
            destroy(pix);
        }
    }
}
